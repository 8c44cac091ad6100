//! A small picture of goods, drawn anew: nothing of the goods' own bytes is in it, and neither are the
//! notes that cameras put into pictures.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::stamp::Stamp;

/// A picture that everyone may see.
#[derive(Debug)]
pub(crate) struct Preview {
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// The picture that it was drawn from, and what that was like.
    pub(crate) source: (PathBuf, Option<Stamp>),
}

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PreviewError {
    /// This library was built without.
    #[cfg(not(feature = "previews"))]
    #[error("this program was built without the feature `previews`")]
    Missing,
    /// It is no picture that is understood here.
    #[cfg(feature = "previews")]
    #[error("no preview can be drawn of it ({0}); name a picture in JPEG, PNG, WebP or GIF")]
    Picture(#[from] image::ImageError),
}

/// The largest preview, in pixels.
#[cfg(feature = "previews")]
const LARGEST: (u32, u32) = (720, 540);
/// How many times smaller than the goods a preview is at least, on each side.
#[cfg(feature = "previews")]
const SMALLER: u32 = 3;

/// Draws the preview of a picture. One of the goods stays far smaller than they are; one that the owner
/// made for it (`is_made`) may be shown as large as there is room for.
#[cfg(feature = "previews")]
pub(crate) fn draw(path: &Path, is_made: bool) -> Result<Arc<Preview>, PreviewError> {
    use std::io::Cursor;

    use image::codecs::jpeg::JpegEncoder;
    use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader};

    let source = source(path);
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let mut decoder = reader.map_err(image::ImageError::IoError)?.into_decoder()?;
    // Cameras note how they were held.
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    let smaller = if is_made { 1 } else { SMALLER };
    let most = |side: u32, largest: u32| (side / smaller).clamp(1, largest);
    let (width, height) = (
        most(picture.width(), LARGEST.0),
        most(picture.height(), LARGEST.1),
    );
    let small = picture.thumbnail(width, height);
    let mut bytes = Vec::new();
    let media_type = if small.color().has_alpha() {
        small.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
        "image/png"
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 78);
        small.to_rgb8().write_with_encoder(encoder)?;
        "image/jpeg"
    };
    Ok(Arc::new(Preview {
        media_type,
        bytes,
        source,
    }))
}

#[cfg(not(feature = "previews"))]
pub(crate) fn draw(_: &Path, _: bool) -> Result<Arc<Preview>, PreviewError> {
    Err(PreviewError::Missing)
}

/// What the picture is, and what it is like now.
pub(crate) fn source(path: &Path) -> (PathBuf, Option<Stamp>) {
    let stamp = Stamp::at(path);
    (path.to_owned(), stamp)
}

#[cfg(all(test, feature = "previews"))]
mod tests {
    use image::{ImageReader, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn size(preview: &Preview) -> (u32, u32) {
        let reader = ImageReader::new(std::io::Cursor::new(&preview.bytes));
        let reader = reader.with_guessed_format().expect("bytes can be read");
        reader.into_dimensions().expect("a preview is a picture")
    }

    #[test]
    fn a_preview_of_the_goods_is_far_smaller_than_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sunset.jpg");
        let picture = RgbImage::from_pixel(600, 300, Rgb([200, 80, 20]));
        picture.save(&path).unwrap();
        let preview = draw(&path, false).unwrap();
        assert_eq!(size(&preview), (200, 100));
        assert_eq!(preview.media_type, "image/jpeg");
        assert_eq!(size(&draw(&path, true).unwrap()), (600, 300));

        let large = RgbImage::from_pixel(4000, 3000, Rgb([200, 80, 20]));
        large.save(&path).unwrap();
        assert_eq!(size(&draw(&path, false).unwrap()), (720, 540));
    }

    #[test]
    fn what_is_transparent_stays_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cat.png");
        let picture = RgbaImage::from_pixel(90, 90, Rgba([0, 0, 0, 0]));
        picture.save(&path).unwrap();
        let preview = draw(&path, false).unwrap();
        assert_eq!(preview.media_type, "image/png");
        assert_eq!(size(&preview), (30, 30));
    }

    #[test]
    fn what_is_no_picture_has_no_preview() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cat.jpg");
        std::fs::write(&path, "meow").unwrap();
        let error = draw(&path, false).unwrap_err().to_string();
        assert!(error.contains("JPEG, PNG, WebP or GIF"), "{error}");
    }
}
