//! The members of a request that nobody carries: told, or refused.

use super::json::Json;
use super::loss::LossReport;
use super::refusal::Refusal;

/// What becomes of the members of one dialect's requests.
pub(crate) struct Fields {
    /// Read by the codec.
    pub(crate) read: &'static [&'static str],
    /// Dropped, and with which code.
    pub(crate) lost: &'static [(&'static str, &'static str)],
    /// Without it the request would mean something else.
    pub(crate) refused: &'static [&'static str],
}

impl Fields {
    pub(crate) fn account(&self, object: &Json<'_>, losses: &mut LossReport) -> Result<(), Refusal> {
        let Some(object) = object.obj() else { return Ok(()) };
        for (name, value) in &object.members {
            let empty = match value {
                Json::Null | Json::Bool(false) => true,
                Json::Arr(items) => items.is_empty(),
                Json::Obj(object) => object.members.is_empty(),
                _ => false,
            };
            if empty || self.read.contains(&&**name) {
                continue;
            }
            if let Some(refused) = self.refused.iter().find(|refused| *refused == name) {
                return Err(Refusal::unsupported(*refused, NO_COUNTERPART));
            }
            match self.lost.iter().find(|(lost, _)| lost == name) {
                Some((_, code)) => losses.note(code),
                None => losses.note_detail("unknown", name),
            }
        }
        Ok(())
    }
}

/// Why a member is refused.
pub(crate) const NO_COUNTERPART: &str = "the provider of this model has no counterpart for it, and without it the request would mean something else";

/// The request has to be an object.
pub(crate) fn want_object(body: &Json<'_>) -> Result<(), Refusal> {
    match body {
        Json::Obj(_) => Ok(()),
        _ => Err(Refusal::invalid("body", "the request body must be a JSON object")),
    }
}

/// A list that has to be there.
pub(crate) fn want_list<'b, 'a>(body: &'b Json<'a>, name: &'static str) -> Result<&'b [Json<'a>], Refusal> {
    body.get(name)
        .and_then(Json::arr)
        .ok_or_else(|| Refusal::invalid(name, format!("`{name}` must be a list")))
}
