//! A whole answer, for clients that do not want a stream.

use super::{Emit, Finish, Head, Unit};
use crate::convert::opaque::{Opaque, Origin};
use crate::error::Failure;

/// A unit that is complete.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) unit: Unit,
    pub(crate) text: String,
    pub(crate) seal: Option<(Origin, String)>,
}

impl Done {
    pub(crate) fn opaque(&self) -> Option<Opaque<'_>> {
        self.seal.as_ref().map(|(origin, payload)| Opaque::new(*origin, payload.as_str().into()))
    }
}

/// Gathers what the events say.
#[derive(Debug, Default, Clone)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) units: Vec<Done>,
    pub(crate) finish: Option<Finish>,
}

impl Emit for Answer {
    fn start(&mut self, head: &Head, _: &mut Vec<u8>) {
        self.head = head.clone();
    }

    fn open(&mut self, unit: &Unit, _: &mut Vec<u8>) {
        self.units.push(Done { unit: unit.clone(), text: String::new(), seal: None });
    }

    fn delta(&mut self, text: &str, _: &mut Vec<u8>) {
        if let Some(unit) = self.units.last_mut() {
            unit.text.push_str(text);
        }
    }

    fn seal(&mut self, opaque: &Opaque<'_>, _: &mut Vec<u8>) {
        if let Some(unit) = self.units.last_mut() {
            unit.seal = Some((opaque.origin, opaque.payload.clone().into_owned()));
        }
    }

    fn close(&mut self, _: &mut Vec<u8>) {}

    fn end(&mut self, finish: &Finish, _: &mut Vec<u8>) {
        self.finish = Some(finish.clone());
    }

    fn fail(&mut self, _: &Failure, _: &mut Vec<u8>) {}
}
