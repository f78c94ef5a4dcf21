//! How large a picture is, as its first bytes tell it. Discord says so of attachments, and clients keep
//! the room free until the picture is there.

/// Width and height in pixels; none for what is no picture, or one whose head is damaged.
pub(crate) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let found = png(bytes).or_else(|| gif(bytes)).or_else(|| jpeg(bytes))?;
    (found.0 > 0 && found.1 > 0).then_some(found)
}

/// The header is the first chunk (Portable Network Graphics, 11.2.1).
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(rest.get(at..at + 4)?.try_into().ok()?));
    Some((number(0)?, number(4)?))
}

/// The logical screen descriptor (`GIF89a`, 18).
fn gif(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes
        .strip_prefix(b"GIF89a")
        .or_else(|| bytes.strip_prefix(b"GIF87a"))?;
    let number = |at: usize| Some(u16::from_le_bytes(rest.get(at..at + 2)?.try_into().ok()?));
    Some((number(0)?.into(), number(2)?.into()))
}

/// The frame header, behind any number of other segments (ITU T.81, B.2.2).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, marker, tail @ ..] = rest else {
            return None;
        };
        rest = tail;
        if *marker == 0xff {
            // A fill byte: the marker comes next.
            rest = &bytes[bytes.len() - tail.len() - 1..];
            continue;
        }
        let number = |at: usize| Some(u16::from_be_bytes(rest.get(at..at + 2)?.try_into().ok()?));
        // All of C0 to CF are frames, but for the tables DHT, JPG and DAC.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((number(5)?.into(), number(3)?.into()));
        }
        rest = rest.get(usize::from(number(0)?).max(2)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn pictures_tell_their_size() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x40\0\0\0\xf0\x08\x06";
        assert_eq!(size(png), Some((320, 240)));
        assert_eq!(size(b"GIF89a\x40\x01\xf0\0\x80"), Some((320, 240)));
        let jpeg =
            b"\xff\xd8\xff\xe0\0\x04JF\xff\xff\xff\xdb\0\x03q\xff\xc2\0\x11\x08\0\xf0\x01\x40";
        assert_eq!(size(jpeg), Some((320, 240)));
    }

    #[test]
    fn nothing_else_does_and_no_head_is_read_beyond_its_end() {
        let whole: [&[u8]; 3] = [
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x40\0\0\0\xf0",
            b"GIF89a\x40\x01\xf0\0",
            b"\xff\xd8\xff\xe0\0\x04JF\xff\xff\xff\xdb\0\x03q\xff\xc2\0\x11\x08\0\xf0\x01\x40",
        ];
        for bytes in whole {
            for end in 0..bytes.len() {
                assert_eq!(size(&bytes[..end]), None, "{end} of {bytes:?}");
            }
        }
        for bytes in [
            &b"<svg/>"[..],
            b"GIF89a\0\0\xf0\0",
            b"\xff\xd8\xff\xe0\0\0\xff\xe0\0\0",
            b"\xff\xd8\xff\xff\xff\xff",
        ] {
            assert_eq!(size(bytes), None, "{bytes:?}");
        }
    }
}
