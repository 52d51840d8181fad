//! The answer of a page, first of all: a word in a box, whose shape and colour say the same.

use super::Html;

/// What an answer means for a reader; a shape, a word and a colour say the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tone {
    /// Rely on it.
    Good,
    /// Ask first.
    Unsure,
    /// Do not rely on it.
    Bad,
}

impl Tone {
    /// Its class in the style of our pages.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unsure => "unsure",
            Self::Bad => "bad",
        }
    }

    fn shape(self) -> &'static str {
        match self {
            Self::Good => {
                "<circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M7 12.5l3.5 3.5L17 9\"/>"
            }
            Self::Unsure => "<path d=\"M12 2.5L22.5 21h-21z\"/><path d=\"M12 9v6m0 2.6v.4\"/>",
            Self::Bad => "<path d=\"M8 2h8l6 6v8l-6 6H8l-6-6V8z\"/><path d=\"M8 8l8 8m0-8l-8 8\"/>",
        }
    }
}

/// The answer in its box.
#[must_use]
pub fn shown(tone: Tone, word: &str, says: &Html) -> String {
    let (class, shape, word) = (tone.class(), tone.shape(), Html::text(word));
    format!(
        "<div class=\"verdict {class}\" role=\"status\"><strong><svg viewBox=\"0 0 24 24\" fill=\"none\" \
         stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\" \
         aria-hidden=\"true\">{shape}</svg>{word}</strong><p>{says}</p></div>\n"
    )
}
