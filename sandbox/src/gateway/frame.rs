//! How a payload becomes a websocket frame: plain text, zlib per message, or one zlib stream.

use std::io::Write as _;

use axum::extract::ws::Message;
use flate2::write::ZlibEncoder;
use flate2::{Compress, Compression, FlushCompress};

use super::session::Dispatch;

/// With `compress: true` in IDENTIFY, payloads from this size on are compressed. Discord does not
/// document its own threshold; small payloads are seen as text, large ones as zlib.
const COMPRESS_FROM_BYTES: usize = 1024;

/// The transport of one connection.
pub(super) enum Encoder {
    /// Text frames.
    Plain,
    /// Large payloads as binary frames, each a complete zlib document (`compress: true`).
    PerMessage,
    /// Every payload as a binary frame of one endless zlib stream (`?compress=zlib-stream`).
    Stream(Box<Compress>),
}

impl Encoder {
    /// The transport that the connection's query string asked for.
    pub(super) fn new(compress: Option<&str>) -> Encoder {
        if compress == Some("zlib-stream") {
            Encoder::Stream(Box::new(Compress::new(Compression::fast(), true)))
        } else {
            Encoder::Plain
        }
    }

    /// Follows `compress` of IDENTIFY; a transport compression chosen before wins.
    pub(super) fn compress_messages(&mut self) {
        if matches!(self, Encoder::Plain) {
            *self = Encoder::PerMessage;
        }
    }

    /// Turns a payload into the frame that carries it.
    pub(super) fn encode(&mut self, text: String) -> std::io::Result<Message> {
        match self {
            Encoder::PerMessage if text.len() >= COMPRESS_FROM_BYTES => {
                let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
                zlib.write_all(text.as_bytes())?;
                Ok(Message::Binary(zlib.finish()?.into()))
            }
            Encoder::Plain | Encoder::PerMessage => Ok(Message::Text(text.into())),
            Encoder::Stream(zlib) => Ok(Message::Binary(stream(zlib, text.as_bytes())?.into())),
        }
    }
}

/// Appends to the endless stream and flushes, so that the frame ends in `Z_SYNC_FLUSH` (00 00 ff ff),
/// by which clients know that a payload is complete.
fn stream(zlib: &mut Compress, mut input: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut output = Vec::with_capacity(input.len() / 2 + 64);
    loop {
        let before = zlib.total_in();
        zlib.compress_vec(input, &mut output, FlushCompress::Sync)
            .map_err(std::io::Error::other)?;
        let taken = usize::try_from(zlib.total_in() - before).map_err(std::io::Error::other)?;
        input = input.get(taken..).unwrap_or_default();
        // Spare room after the call means that zlib had nothing more to flush.
        if input.is_empty() && output.len() < output.capacity() {
            return Ok(output);
        }
        output.reserve(output.capacity().max(256));
    }
}

/// The text of a dispatch; its data was serialised once for all sessions.
pub(super) fn dispatch(event: &Dispatch) -> String {
    format!(
        r#"{{"t":"{}","s":{},"op":0,"d":{}}}"#,
        event.name, event.seq, event.data
    )
}
