//! Which characters a terminal can show.

use crate::color::is_unicode_locale;
use std::str::FromStr;
use thiserror::Error;

/// `SURFIT_GLYPHS` has a value that is no glyph set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("SURFIT_GLYPHS cannot be `{0}`; choose ascii, blocks or unicode")]
pub struct UnknownGlyphSet(String);

/// Sets of characters, from few to many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlyphSet {
    #[default]
    Ascii,
    /// ASCII, half blocks, shades and plain frames: what the Linux console and fonts without Braille have.
    Blocks,
    /// Braille, all blocks, rounded frames and signs.
    Braille,
}

impl GlyphSet {
    /// Every set, fewest characters first.
    pub const ALL: [GlyphSet; 3] = [GlyphSet::Ascii, GlyphSet::Blocks, GlyphSet::Braille];

    /// The set's name in `SURFIT_GLYPHS`.
    pub fn name(self) -> &'static str {
        ["ascii", "blocks", "unicode"][self as usize]
    }

    /// The set that is used, and why it is a smaller one where nobody chose it.
    ///
    /// `chosen` wins, then `SURFIT_GLYPHS` (`ascii`, `blocks`, `unicode`), then the locale and `TERM`.
    ///
    /// # Errors
    /// When `SURFIT_GLYPHS` is no glyph set.
    pub(crate) fn detect(
        chosen: Option<GlyphSet>,
        var: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, Option<&'static str>), UnknownGlyphSet> {
        let var = |name: &str| var(name).filter(|s| !s.is_empty());
        if let Some(glyphs) = chosen {
            return Ok((glyphs, None));
        }
        if let Some(name) = var("SURFIT_GLYPHS") {
            return name.parse().map(|glyphs| (glyphs, None));
        }
        if !is_unicode_locale(var) {
            let why = "plain ASCII: the locale is not UTF-8; set LANG=C.UTF-8, or use --unicode";
            return Ok((GlyphSet::Ascii, Some(why)));
        }
        if var("TERM").is_some_and(|term| term == "linux") {
            let why = "blocks without Braille: the Linux console shows no more; --unicode overrides it";
            return Ok((GlyphSet::Blocks, Some(why)));
        }
        Ok((GlyphSet::Braille, None))
    }
}

impl FromStr for GlyphSet {
    type Err = UnknownGlyphSet;

    fn from_str(s: &str) -> Result<Self, UnknownGlyphSet> {
        Self::ALL.into_iter().find(|g| g.name().eq_ignore_ascii_case(s)).ok_or_else(|| UnknownGlyphSet(s.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(chosen: Option<GlyphSet>, pairs: &[(&str, &str)]) -> (GlyphSet, bool) {
        let var = |name: &str| pairs.iter().find(|p| p.0 == name).map(|p| p.1.to_string());
        let (glyphs, why) = GlyphSet::detect(chosen, var).unwrap();
        (glyphs, why.is_some())
    }

    #[test]
    fn the_locale_and_the_console_decide_and_who_insists_wins() {
        assert_eq!(found(None, &[("LANG", "en_US.UTF-8")]), (GlyphSet::Braille, false));
        assert_eq!(found(None, &[("LC_ALL", "C")]), (GlyphSet::Ascii, true));
        let console = [("LANG", "C.UTF-8"), ("TERM", "linux")];
        assert_eq!(found(None, &console), (GlyphSet::Blocks, true));
        assert_eq!(found(Some(GlyphSet::Braille), &[("LC_ALL", "C")]), (GlyphSet::Braille, false));
        let insists = [("LC_ALL", "C"), ("SURFIT_GLYPHS", "unicode")];
        assert_eq!(found(None, &insists), (GlyphSet::Braille, false));
        assert_eq!(found(Some(GlyphSet::Ascii), &insists), (GlyphSet::Ascii, false));
        let odd = |_: &str| Some("many".into());
        assert!(GlyphSet::detect(None, odd).unwrap_err().to_string().contains("`many`"));
    }
}
