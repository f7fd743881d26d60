//! Collecting what the walker finds: first over one event (or body), then over the answer.

use hub_types::{Dialect, ServiceTier, Usage};

use super::UpstreamError;
use super::figures::Figures;
use super::schema::Node;
use super::walk::Sink;
use crate::estimate::TextCount;

/// The longest id of an answer that is taken, in bytes.
const MAX_RESPONSE_ID: usize = 256;

/// What is known of the whole answer so far, and of the event that is being read.
#[derive(Debug)]
pub(super) struct Collector {
    dialect: Dialect,
    is_billable: bool,
    event: EventFacts,
    /// The `event:` field, for events that do not name their type inside.
    event_name: String,
    /// Claude: the largest figures; else those of the last report.
    figures: Figures,
    finish_seen: bool,
    terminal: bool,
    content: bool,
    model: Option<String>,
    /// Of a Responses answer.
    response_id: Option<String>,
    service_tier: Option<ServiceTier>,
    error: Option<UpstreamError>,
    /// Text that came in deltas (and in everything that is not Responses).
    delta_text: TextCount,
    /// Text of finished Responses items.
    item_text: TextCount,
    /// Text of the final Responses object.
    final_text: TextCount,
}

/// What one event (or a whole body) says.
#[derive(Debug, Default)]
struct EventFacts {
    kind: String,
    figures: Figures,
    finish: bool,
    content: bool,
    text: TextCount,
    model: String,
    id: String,
    service_tier: Option<ServiceTier>,
    has_error: bool,
    error: UpstreamError,
    root_code: String,
    root_message: String,
}

impl EventFacts {
    fn clear(&mut self) {
        self.kind.clear();
        self.model.clear();
        self.id.clear();
        self.root_code.clear();
        self.root_message.clear();
        self.figures = Figures::default();
        self.text = TextCount::default();
        (self.finish, self.content) = (false, false);
        self.service_tier = None;
        if std::mem::take(&mut self.has_error) {
            self.error = UpstreamError::default();
        }
    }
}

impl Collector {
    pub(super) fn new(dialect: Dialect, is_billable: bool) -> Self {
        Self {
            dialect,
            is_billable,
            event: EventFacts::default(),
            event_name: String::new(),
            figures: Figures::default(),
            finish_seen: false,
            terminal: false,
            content: false,
            model: None,
            response_id: None,
            service_tier: None,
            error: None,
            delta_text: TextCount::default(),
            item_text: TextCount::default(),
            final_text: TextCount::default(),
        }
    }

    pub(super) fn terminal(&self) -> bool {
        self.terminal
    }

    pub(super) fn completed(&self) -> bool {
        self.terminal || self.finish_seen
    }

    pub(super) fn content(&self) -> bool {
        self.content
    }

    pub(super) fn error(&self) -> Option<&UpstreamError> {
        self.error.as_ref()
    }

    pub(super) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    pub(super) fn response_id(&self) -> Option<&str> {
        self.response_id.as_deref()
    }

    pub(super) fn service_tier(&self) -> Option<ServiceTier> {
        self.service_tier
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        if self.is_billable { self.figures.usage(self.dialect) } else { None }
    }

    pub(super) fn text(&self) -> TextCount {
        [self.delta_text, self.item_text, self.final_text]
            .into_iter()
            .max_by_key(TextCount::tokens)
            .unwrap_or_default()
    }

    /// The `[DONE]` of a stream.
    pub(super) fn done(&mut self) {
        self.terminal |= self.dialect == Dialect::OpenAi;
    }

    pub(super) fn name_event(&mut self, name: &[u8]) {
        self.event_name.clear();
        self.event_name.push_str(&String::from_utf8_lossy(name));
    }

    /// The event is over, complete or not: what is left of it does not count.
    pub(super) fn end_event(&mut self) {
        self.event.clear();
        self.event_name.clear();
    }

    /// Takes the facts of the event over into those of the answer.
    pub(super) fn fold(&mut self) {
        let event = &mut self.event;
        if event.kind.is_empty() {
            event.kind.push_str(&self.event_name);
        }
        let kind = event.kind.as_str();
        let ends_response = matches!(kind, "response.completed" | "response.failed" | "response.incomplete");
        if !event.model.is_empty() && self.model.as_deref() != Some(&event.model) {
            self.model = Some(event.model.clone());
        }
        // The event that begins an answer repeats what was asked for; later ones know better.
        self.service_tier = event.service_tier.or(self.service_tier);
        let names_response = kind.is_empty() || kind == "response.created" || ends_response;
        if self.dialect == Dialect::Responses && names_response && !event.id.is_empty() {
            self.response_id = Some(event.id.clone());
        }
        let is_streamed_response = self.dialect == Dialect::Responses && kind.starts_with("response.");
        if !event.figures.is_empty() {
            match self.dialect {
                Dialect::Claude => self.figures.raise(&event.figures),
                Dialect::Responses if is_streamed_response && !ends_response => {}
                // A report without a figure of its own dialect must not erase one that has them.
                dialect if event.figures.usage(dialect).is_none() => {}
                _ => self.figures = event.figures,
            }
        }
        self.finish_seen |= event.finish;
        self.content |= event.content || !event.text.is_empty();
        match self.dialect {
            Dialect::Responses if ends_response => self.final_text = event.text,
            Dialect::Responses if kind == "response.output_item.done" => self.item_text.add(event.text),
            _ => self.delta_text.add(event.text),
        }
        if kind == "error" && !event.has_error {
            event.has_error = true;
            event.error.code = some(&event.root_code);
            event.error.message = some(&event.root_message);
        }
        if event.has_error && self.error.is_none() {
            self.error = Some(event.error.clone());
        } else if kind == "response.failed" && self.error.is_none() {
            self.error = Some(UpstreamError::default());
        }
        self.terminal |= match self.dialect {
            Dialect::Claude => kind == "message_stop",
            Dialect::OpenAi => self.finish_seen && self.figures.usage(self.dialect).is_some(),
            Dialect::Responses => ends_response,
            Dialect::Gemini | Dialect::GeminiCli => self.finish_seen,
        };
        self.event.clear();
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl Sink for Collector {
    fn scalar(&mut self, node: Node, text: &str, is_string: bool) {
        let event = &mut self.event;
        if let Node::Figure(figure) = node {
            event.figures.note(figure, text);
            return;
        }
        let is_code = matches!(node, Node::ErrorCode | Node::RootCode) && text != "null";
        if text.is_empty() || !(is_string || is_code) {
            return;
        }
        match node {
            Node::Kind => text.clone_into(&mut event.kind),
            Node::Model => text.clone_into(&mut event.model),
            Node::ServiceTier => event.service_tier = ServiceTier::named(text),
            // A longer one can't be a real id, and half of one is none.
            Node::Id if text.len() <= MAX_RESPONSE_ID => text.clone_into(&mut event.id),
            Node::Message => text.clone_into(&mut event.root_message),
            Node::RootCode => text.clone_into(&mut event.root_code),
            Node::Finish => event.finish = true,
            Node::Marker => event.content = true,
            Node::BlockKind => event.content |= !matches!(text, "text" | "thinking"),
            Node::ItemKind => event.content |= text.ends_with("_call"),
            Node::Error | Node::ErrorMessage | Node::ErrorKind | Node::ErrorCode => {
                event.has_error = true;
                let slot = match node {
                    Node::ErrorKind => &mut event.error.kind,
                    Node::ErrorCode => &mut event.error.code,
                    _ => &mut event.error.message,
                };
                *slot = Some(text.to_owned());
            }
            _ => {}
        }
    }

    fn text(&mut self, _: Node, count: TextCount) {
        self.event.text.add(count);
    }

    fn blob(&mut self, node: Node, piece: &[u8]) {
        self.event.content |= node == Node::Blob;
        // `{}` says nothing: the brackets are not counted, the opening one is not even reported.
        self.event.text.add(TextCount::of(piece));
    }

    fn root_closed(&mut self) {
        self.fold();
    }
}
