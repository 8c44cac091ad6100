//! Our types as values of JavaScript's, for serde: what the wire and the browser's storage hold, and nothing else.

use js_sys::{Array, Object, Reflect};
use serde::Serialize;
use serde::ser::{Impossible, SerializeSeq, SerializeStruct, Serializer};
use wasm_bindgen::JsValue;

use crate::browser::json::unfit::Unfit;

/// The largest number that JavaScript has exactly.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Makes a value of what it is given.
pub(super) struct Writer;

type Written = Result<JsValue, Unfit>;

/// Refuses what no type of ours has.
macro_rules! refuse {
    ($($method:ident($($type:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<$ok, Unfit> {
            Err(Unfit)
        })*
    };
}

impl Serializer for Writer {
    type Ok = JsValue;
    type Error = Unfit;
    type SerializeSeq = List;
    type SerializeStruct = Fields;
    type SerializeTuple = Impossible<JsValue, Unfit>;
    type SerializeTupleStruct = Impossible<JsValue, Unfit>;
    type SerializeTupleVariant = Impossible<JsValue, Unfit>;
    type SerializeMap = Impossible<JsValue, Unfit>;
    type SerializeStructVariant = Impossible<JsValue, Unfit>;

    fn serialize_bool(self, value: bool) -> Written {
        Ok(value.into())
    }

    fn serialize_u16(self, value: u16) -> Written {
        Ok(value.into())
    }

    fn serialize_u32(self, value: u32) -> Written {
        Ok(value.into())
    }

    fn serialize_u64(self, value: u64) -> Written {
        #[expect(
            clippy::cast_precision_loss,
            reason = "checked: small enough to be exact"
        )]
        (value <= MAX_SAFE)
            .then_some(value as f64)
            .map(JsValue::from)
            .ok_or(Unfit)
    }

    fn serialize_str(self, value: &str) -> Written {
        Ok(value.into())
    }

    fn serialize_none(self) -> Written {
        Ok(JsValue::NULL)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Written {
        value.serialize(self)
    }

    /// The wire's enums are words.
    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Written {
        Ok(name.into())
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Written {
        Err(Unfit)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Unfit> {
        Ok(List(Array::new()))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Unfit> {
        Ok(Fields(Object::new()))
    }

    refuse! {
        serialize_i8(i8) -> JsValue;
        serialize_i16(i16) -> JsValue;
        serialize_i32(i32) -> JsValue;
        serialize_i64(i64) -> JsValue;
        serialize_u8(u8) -> JsValue;
        serialize_f32(f32) -> JsValue;
        serialize_f64(f64) -> JsValue;
        serialize_char(char) -> JsValue;
        serialize_bytes(&[u8]) -> JsValue;
        serialize_unit() -> JsValue;
        serialize_unit_struct(&'static str) -> JsValue;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}

/// A list, while it is made.
pub(super) struct List(Array);

impl SerializeSeq for List {
    type Ok = JsValue;
    type Error = Unfit;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unfit> {
        self.0.push(&value.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Written {
        Ok(self.0.into())
    }
}

/// An object, while it is made.
pub(super) struct Fields(Object);

impl SerializeStruct for Fields {
    type Ok = JsValue;
    type Error = Unfit;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        self.set(name, &value.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Written {
        Ok(self.0.into())
    }
}

impl Fields {
    #[inline(never)]
    fn set(&self, name: &str, value: &JsValue) {
        // Setting a property of a new object cannot fail.
        let _ = Reflect::set(&self.0, &name.into(), value);
    }
}
