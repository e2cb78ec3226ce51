//! Figures as images in terminals that show them: by which protocol, when they are drawn, and their place among the characters.

mod encoded_image;
mod figure_images;

pub use encoded_image::{EncodedImage, MAX_IMAGE_ROWS, encode_removal};
pub(crate) use figure_images::ImageContent;
pub use figure_images::{FigureImage, FigureImages};

use crate::color::{ColorDepth, nearest_256, palette_256};
use crate::theme::{Theme, ThemeRole};
use crate::views::surface::{contrast_color, mix_colors};
use surfit_report::{FigureTheme, RGBColor};

/// A way to show an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageProtocol {
    /// The kitty graphics protocol: kitty, Ghostty.
    Kitty,
    /// Sixels: foot, mlterm, Konsole, xterm built with them.
    Sixel,
    /// Inline images: iTerm2, WezTerm.
    Iterm2,
}

/// What somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageMode {
    /// From environment variables.
    Auto,
    /// No images at all.
    Off,
    /// Images by this protocol.
    By(ImageProtocol),
}

/// Why images cannot be shown as somebody chose.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ImageModeError {
    #[error("SURFIT_IMAGES cannot be `{0}`; choose auto, off, kitty, sixel or iterm2")]
    Unknown(String),
    /// tmux hands inline images on without their place.
    #[error("iterm2 images have no place in tmux; choose kitty or sixel, or leave tmux")]
    Iterm2InTmux,
}

/// The way this terminal has: as `chosen`, else by `SURFIT_IMAGES` (`auto`, `off`, `kitty`, `sixel`, `iterm2`), and for
/// `auto` uses environment variables. Never over a line to another machine or through a multiplexer unless requested:
/// images are large, and the terminal is not queried, because a late answer would be taken for keys.
///
/// # Errors
/// [`ImageModeError`].
pub fn detect(
    chosen: Option<ImageMode>,
    var: impl Fn(&str) -> Option<String>,
) -> Result<Option<ImageProtocol>, ImageModeError> {
    let var = |name: &str| var(name).filter(|s| !s.is_empty());
    let way = match (chosen, var("SURFIT_IMAGES").as_deref()) {
        (Some(way), _) => way,
        (_, None | Some("auto")) => ImageMode::Auto,
        (_, Some("off")) => ImageMode::Off,
        (_, Some("kitty")) => ImageMode::By(ImageProtocol::Kitty),
        (_, Some("sixel")) => ImageMode::By(ImageProtocol::Sixel),
        (_, Some("iterm2")) => ImageMode::By(ImageProtocol::Iterm2),
        (_, Some(other)) => {
            return Err(ImageModeError::Unknown(other.into()));
        }
    };
    match way {
        ImageMode::Auto => {}
        ImageMode::Off => return Ok(None),
        ImageMode::By(ImageProtocol::Iterm2) if var("TMUX").is_some() => return Err(ImageModeError::Iterm2InTmux),
        ImageMode::By(protocol) => return Ok(Some(protocol)),
    }
    let far = ["SSH_CONNECTION", "SSH_TTY", "TMUX", "STY"];
    if far.iter().any(|name| var(name).is_some()) {
        return Ok(None);
    }
    let (term, program) = (var("TERM").unwrap_or_default(), var("TERM_PROGRAM").unwrap_or_default());
    let kitty = var("KITTY_WINDOW_ID").is_some() || term.contains("kitty") || term.contains("ghostty");
    Ok(match (kitty, program.as_str()) {
        (true, _) => Some(ImageProtocol::Kitty),
        (_, "WezTerm" | "iTerm.app") => Some(ImageProtocol::Iterm2),
        _ if term.starts_with("foot") || term.starts_with("mlterm") => Some(ImageProtocol::Sixel),
        _ => None,
    })
}

/// The colours of a figure on a screen of this theme.
pub fn figure_theme(theme: &Theme) -> FigureTheme {
    let rgb = |(r, g, b): (u8, u8, u8)| RGBColor(r, g, b);
    let role = |role| rgb(theme.foreground_rgb(role));
    // Of 256 colours the screen around the image has the nearest.
    let background = match theme.depth() {
        ColorDepth::Ansi256 => palette_256(nearest_256(theme.background_rgb())),
        _ => theme.background_rgb(),
    };
    let toward_text = |share| rgb(mix_colors(background, contrast_color(background), share));
    FigureTheme {
        background: rgb(background),
        blank: toward_text(0.1),
        text: role(ThemeRole::Text),
        muted: role(ThemeRole::Muted),
        axis: role(ThemeRole::Axis),
        grid: toward_text(0.14),
        surface: role(ThemeRole::CurveSmooth),
        validation: role(ThemeRole::CurveValidation),
        reference: role(ThemeRole::Corner2),
        corners: [ThemeRole::Corner1, ThemeRole::Corner2, ThemeRole::Corner3, ThemeRole::Corner4].map(role),
    }
}

#[cfg(test)]
mod tests {
    mod decoder;

    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Option<ImageProtocol>, ImageModeError> {
        chosen(None, pairs)
    }

    fn chosen(way: Option<ImageMode>, pairs: &[(&str, &str)]) -> Result<Option<ImageProtocol>, ImageModeError> {
        detect(way, |n| pairs.iter().find(|p| p.0 == n).map(|p| p.1.to_string()))
    }

    #[test]
    fn the_environment_tells_the_way_and_a_forced_one_wins() {
        assert_eq!(with(&[("TERM", "xterm-256color")]), Ok(None));
        assert_eq!(with(&[("TERM", "xterm-kitty")]), Ok(Some(ImageProtocol::Kitty)));
        assert_eq!(with(&[("TERM_PROGRAM", "WezTerm")]), Ok(Some(ImageProtocol::Iterm2)));
        assert_eq!(with(&[("TERM", "foot")]), Ok(Some(ImageProtocol::Sixel)));
        let far = [("TERM", "xterm-kitty"), ("SSH_TTY", "/dev/pts/1")];
        assert_eq!(with(&far), Ok(None));
        let forced = [("SURFIT_IMAGES", "sixel"), ("SSH_TTY", "/dev/pts/1")];
        assert_eq!(with(&forced), Ok(Some(ImageProtocol::Sixel)));
        // tmux cannot place inline images; what was chosen by name is never silently something else.
        let in_tmux = |way| with(&[("SURFIT_IMAGES", way), ("TMUX", "/tmp/tmux-0/default")]);
        assert_eq!(in_tmux("kitty"), Ok(Some(ImageProtocol::Kitty)));
        assert_eq!(in_tmux("iterm2"), Err(ImageModeError::Iterm2InTmux));
        let off = [("SURFIT_IMAGES", "off"), ("TERM", "xterm-kitty")];
        assert_eq!(with(&off), Ok(None));
        assert!(with(&[("SURFIT_IMAGES", "many")]).unwrap_err().to_string().contains("`many`"));
        // The command line takes precedence over the variable, valid or not.
        let by = ImageMode::By(ImageProtocol::Iterm2);
        assert_eq!(chosen(Some(by), &off), Ok(Some(ImageProtocol::Iterm2)));
        assert_eq!(chosen(Some(ImageMode::Off), &forced), Ok(None));
        assert_eq!(chosen(Some(ImageMode::Auto), &off), Ok(Some(ImageProtocol::Kitty)));
        let odd = [("SURFIT_IMAGES", "many")];
        assert_eq!(chosen(Some(ImageMode::Off), &odd), Ok(None));
    }
}
