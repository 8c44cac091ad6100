//! The browser's own JSON, in our types. A parser in WebAssembly would be a tenth of the download.
//!
//! Its numbers are exact up to 2^53, which in millisatoshi is 90 000 bitcoin; beyond that nothing
//! is read or written.

mod unfit;
mod writer;

use std::slice;

use js_sys::{Array, JSON, Number, Reflect};
use serde::de::value::SeqDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, SeqAccess, Visitor,
};
use serde::{Serialize, forward_to_deserialize_any};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::browser::json::unfit::Unfit;
use crate::browser::json::writer::Writer;

/// Reads JSON; `None` where the text is none, or not a `T`.
pub fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    T::deserialize(Value(JSON::parse(text).ok()?)).ok()
}

/// Writes JSON; `None` where a number is too large.
pub fn write(value: &impl Serialize) -> Option<String> {
    JSON::stringify(&to_value(value)?).ok()?.as_string()
}

/// The value that JavaScript would read from the JSON.
pub fn to_value(value: &impl Serialize) -> Option<JsValue> {
    value.serialize(Writer).ok()
}

/// A value that was read, for serde. `serde_wasm_bindgen` has one, too, and a writer, but its errors say what is
/// wrong, which nobody is told, and the words for that are 5 KB of the download.
struct Value(JsValue);

impl<'de> Deserializer<'de> for Value {
    type Error = Unfit;

    /// No type of the wire leaves open what it is.
    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unfit> {
        Err(Unfit)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_string(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_string(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_u64(self.whole()?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_bool(self.0.as_bool().ok_or(Unfit)?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let list = self.0.dyn_ref::<Array>().ok_or(Unfit)?;
        visitor.visit_seq(SeqDeserializer::new(list.iter().map(Self)))
    }

    /// By name what the type asks for, one field after the other: a type that is told the names instead has code to
    /// tell them apart, which is twice as long.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_seq(Fields {
            object: self.0,
            names: fields.iter(),
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_newtype_struct(self)
    }

    /// The wire's enums are words.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_enum(self.text()?.into_deserializer())
    }

    /// What later versions of the wire may add is skipped, whatever it is.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct map
    }
}

impl Value {
    fn text(&self) -> Result<String, Unfit> {
        self.0.as_string().ok_or(Unfit)
    }

    /// All numbers of the wire count something.
    fn whole(&self) -> Result<u64, Unfit> {
        let number = self.0.as_f64().ok_or(Unfit)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked: whole, not negative, and small enough to be exact"
        )]
        (number >= 0.0 && Number::is_safe_integer(&self.0))
            .then_some(number as u64)
            .ok_or(Unfit)
    }
}

impl IntoDeserializer<'_, Unfit> for Value {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

/// The values of an object's properties, in the order of a type's fields.
struct Fields {
    object: JsValue,
    names: slice::Iter<'static, &'static str>,
}

impl<'de> SeqAccess<'de> for Fields {
    type Error = Unfit;

    /// `None` for a field that is not there: it has its default, or the whole is not read.
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unfit> {
        match self.next() {
            Some(value) => seed.deserialize(value).map(Some),
            None => Ok(None),
        }
    }
}

impl Fields {
    #[inline(never)]
    fn next(&mut self) -> Option<Value> {
        let name = self.names.next()?;
        // What is no object has no properties.
        let value = Reflect::get(&self.object, &(*name).into()).ok()?;
        (!value.is_undefined()).then_some(Value(value))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Black,
        Ginger,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Cat {
        name: String,
        colours: Vec<Colour>,
        lives: u64,
        kittens: u32,
        awake: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    }

    fn cat() -> Cat {
        Cat {
            name: "Tama \u{1f431}".into(),
            colours: vec![Colour::Black, Colour::Ginger],
            lives: 9_007_199_254_740_991,
            kittens: 4_294_967_295,
            awake: false,
            owner: None,
        }
    }

    const TEXT: &str = r#"{"name":"Tama 🐱","colours":["black","ginger"],"lives":9007199254740991,"kittens":4294967295,"awake":false}"#;

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(write(&cat()).as_deref(), Some(TEXT));
        assert_eq!(read(TEXT), Some(cat()));
    }

    #[test]
    fn what_is_not_known_is_skipped_and_null_is_none() {
        let text = TEXT.replace(
            "\"awake\"",
            r#""owner":null,"weight":4.2,"toys":{"mouse":[-1]},"awake""#,
        );
        assert_eq!(read(&text), Some(cat()));
    }

    #[test]
    fn what_does_not_fit_is_not_read() {
        for (right, wrong) in [
            ("9007199254740991", "9.5"),
            ("9007199254740991", "-1"),
            ("9007199254740991", "9007199254740993"),
            ("9007199254740991", "\"9\""),
            ("4294967295", "4294967296"),
            ("\"ginger\"", "\"green\""),
            ("\"ginger\"", "{}"),
            ("false", "0"),
            ("\"name\"", "\"title\""),
            ("}", ""),
        ] {
            let text = TEXT.replace(right, wrong);
            assert_eq!(read::<Cat>(&text), None, "{text}");
        }
    }

    #[test]
    fn a_number_that_would_change_is_not_written() {
        let lives = u64::MAX;
        assert_eq!(write(&Cat { lives, ..cat() }), None);
    }
}
