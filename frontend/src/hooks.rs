//! Hooks that are compiled once, whatever they hold.
//!
//! Yew compiles a state for each type, and an effect for each type that it depends on and each closure that it runs.
//! That was nearly four kilobytes of the download.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use yew::functional::TearDown;
use yew::prelude::*;

/// A value of a component, which is drawn again when the value changes. A clone is the same value.
pub struct State<T> {
    value: Rc<RefCell<T>>,
    redraw: UseForceUpdateHandle,
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            redraw: self.redraw.clone(),
        }
    }
}

impl<T: Clone + PartialEq> State<T> {
    /// The value as it is now.
    pub fn get(&self) -> T {
        self.value.borrow().clone()
    }

    /// Draws the component again, unless the value is the same.
    pub fn set(&self, value: T) {
        if *self.value.borrow() != value {
            self.value.replace(value);
            self.redraw.force_update();
        }
    }
}

/// A value that is `first` when the component is drawn for the first time.
#[hook]
pub fn use_value<T: 'static, F: FnOnce() -> T>(first: F) -> State<T> {
    State {
        value: use_mut_ref(first),
        redraw: use_force_update(),
    }
}

/// What knows an element once it is drawn.
#[hook]
pub fn use_node() -> NodeRef {
    (*use_ref(NodeRef::default)).clone()
}

/// Runs `effect` when the component was drawn with other `on` than before. What it returns is called before the
/// next one, and when the component goes.
#[hook]
pub fn use_effect_on<T, F, D>(on: T, effect: F)
where
    T: PartialEq + 'static,
    F: FnOnce(&T) -> D + 'static,
    D: TearDown,
{
    let effect: Effect = Box::new(move |on| {
        let end = effect(on.downcast_ref().expect("it is what is_same was made for"));
        Box::new(move || end.tear_down())
    });
    let on = On {
        value: Box::new(on),
        is_same: |this, other| this.downcast_ref::<T>() == other.downcast_ref::<T>(),
    };
    use_effect_with(on, run(effect));
}

type Effect = Box<dyn FnOnce(&dyn Any) -> End>;
type End = Box<dyn FnOnce()>;

/// Of one type for all effects.
fn run(effect: Effect) -> impl FnOnce(&On) -> End {
    move |on| effect(&*on.value)
}

/// What an effect depends on.
struct On {
    value: Box<dyn Any>,
    is_same: fn(&dyn Any, &dyn Any) -> bool,
}

impl PartialEq for On {
    fn eq(&self, other: &Self) -> bool {
        (self.is_same)(&*self.value, &*other.value)
    }
}
