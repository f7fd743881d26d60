//! The conversation in the intermediate representation: turns and their parts.

use std::borrow::Cow;

use crate::convert::opaque::Opaque;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Assistant,
    /// A system prompt in the middle of the conversation.
    System,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Turn<'a> {
    pub(crate) role: Role,
    pub(crate) parts: Vec<Part<'a>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part<'a> {
    /// Never empty.
    Text(Cow<'a, str>),
    Media(Media<'a>),
    Call {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        /// JSON text as the client wrote it; not always JSON.
        args: Cow<'a, str>,
        /// Is `args` the text of a tool that takes plain text, in its wrapper?
        custom: bool,
        /// What Gemini wants back beside this call.
        opaque: Option<Opaque<'a>>,
    },
    Result {
        id: Cow<'a, str>,
        /// The called tool, where the dialect says so.
        name: Option<Cow<'a, str>>,
        parts: Vec<Part<'a>>,
        is_error: bool,
        custom: bool,
    },
    Reasoning {
        text: Cow<'a, str>,
        opaque: Option<Opaque<'a>>,
    },
}

/// What a medium is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Image,
    Document,
    Audio,
    Video,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Media<'a> {
    pub(crate) kind: Kind,
    /// Empty if nobody said.
    pub(crate) mime: Cow<'a, str>,
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) source: Source<'a>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source<'a> {
    /// Base64.
    Inline(Cow<'a, str>),
    Url(Cow<'a, str>),
    /// A file kept by the vendor.
    File(Cow<'a, str>),
}

impl Kind {
    /// What a MIME type stands for.
    pub(crate) fn of(mime: &str) -> Self {
        match mime.split('/').next() {
            Some("image") => Self::Image,
            Some("audio") => Self::Audio,
            Some("video") => Self::Video,
            _ => Self::Document,
        }
    }
}

impl<'a> Media<'a> {
    /// Takes `data:mime;base64,…` apart; anything else is an address.
    pub(crate) fn from_url(kind: Kind, url: Cow<'a, str>) -> Self {
        let (mime, source) = match split_data_url(&url) {
            Some((mime, start)) => {
                let mime = Cow::Owned(mime.to_owned());
                let data = match url {
                    Cow::Borrowed(url) => Cow::Borrowed(url.get(start..).unwrap_or_default()),
                    Cow::Owned(url) => Cow::Owned(url.get(start..).unwrap_or_default().to_owned()),
                };
                (mime, Source::Inline(data))
            }
            None => (Cow::Borrowed(""), Source::Url(url)),
        };
        Self { kind, mime, name: None, source }
    }

    /// The MIME type, guessed from address or name if nobody said it.
    pub(crate) fn mime_or_guess(&self) -> Cow<'a, str> {
        if !self.mime.is_empty() {
            return self.mime.clone();
        }
        let path = match &self.source {
            Source::Url(url) => url.split(['?', '#']).next().unwrap_or_default().to_owned(),
            _ => self.name.as_deref().unwrap_or_default().to_owned(),
        };
        let extension = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        Cow::Borrowed(match (extension.as_str(), self.kind) {
            ("jpg" | "jpeg", _) => "image/jpeg",
            ("gif", _) => "image/gif",
            ("webp", _) => "image/webp",
            ("pdf", _) | (_, Kind::Document) => "application/pdf",
            (_, Kind::Image) => "image/png",
            ("mp3", _) => "audio/mpeg",
            (_, Kind::Audio) => "audio/wav",
            (_, Kind::Video) => "video/mp4",
        })
    }

    /// `data:mime;base64,…`
    pub(crate) fn data_url(&self, data: &str) -> String {
        format!("data:{};base64,{data}", self.mime_or_guess())
    }
}

/// The MIME type of a base64 data URL, and where its data begins.
fn split_data_url(url: &str) -> Option<(&str, usize)> {
    let rest = url.strip_prefix("data:")?;
    let comma = rest.find(',')?;
    let head = rest.get(..comma)?;
    let head = head.strip_suffix(";base64")?;
    Some((head.split(';').next().unwrap_or_default(), url.len() - rest.len() + comma + 1))
}
