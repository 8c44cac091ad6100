//! The drawings that belong to Purrwall: its logo, the bolt, the paw, the lock.

use yew::prelude::*;

/// A cat's face whose forehead is a bolt of lightning.
#[component]
pub fn Logo() -> Html {
    html! {
        <svg class="logo" viewBox="0 0 48 48" aria-hidden="true">
            <path class="logo-face" d="M7 5.5c-1.2-.9-2.9 0-2.9 1.6V25c0 11.2 8.8 18.9 19.9 18.9S43.9 36.2 43.9 25V7.1c0-1.6-1.7-2.5-2.9-1.6l-8.7 6.7a24.5 24.5 0 0 0-16.6 0z" />
            <path class="logo-bolt" d="M26.7 10.4 18.3 22h4.4l-1.9 8.2L30.3 18.2h-4.7z" />
            <circle class="logo-eye" cx="14" cy="27.5" r="2.7" />
            <circle class="logo-eye" cx="34" cy="27.5" r="2.7" />
            <path class="logo-line" d="M24 34v1.5m0 0c0 2.2-3.8 2.9-4.8.8m4.8-.8c0 2.2 3.8 2.9 4.8.8M2 30.5l7 1M2.5 37l7-2M46 30.5l-7 1M45.5 37l-7-2" />
        </svg>
    }
}

/// A bolt of lightning, as large as a letter.
#[component]
pub fn Bolt() -> Html {
    html! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M9.8.8 2.6 9.3h4.2l-1 5.9 7.4-8.7H8.9z" />
        </svg>
    }
}

/// A paw print.
#[component]
pub fn Paw() -> Html {
    html! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
            <ellipse cx="2.6" cy="7" rx="1.7" ry="2.2" />
            <ellipse cx="6" cy="3.4" rx="1.8" ry="2.4" />
            <ellipse cx="10" cy="3.4" rx="1.8" ry="2.4" />
            <ellipse cx="13.4" cy="7" rx="1.7" ry="2.2" />
            <path d="M8 7.6c-2.6 0-4.9 2.7-4.9 4.9 0 1.7 1.3 2.3 2.7 2.3.9 0 1.4-.4 2.2-.4s1.3.4 2.2.4c1.4 0 2.7-.6 2.7-2.3 0-2.2-2.3-4.9-4.9-4.9z" />
        </svg>
    }
}

/// A tick, for what was checked.
#[component]
pub fn Tick() -> Html {
    html! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M6.4 13.3 1.6 8.6l1.8-1.8 3 2.9 6.3-6.6 1.8 1.8z" />
        </svg>
    }
}
