//! Calls of the tools that OpenAI's models know without being told, in the words that their clients wait for.

use crate::convert::ir::CallForm;
use crate::convert::json::{Json, Obj, obj, parse};

/// The item's type, the member that holds what is to be done, and that; `None` = it is an ordinary call.
pub(super) fn action(form: CallForm, arguments: &str) -> Option<(&'static str, &'static str, Json<'static>)> {
    let wanted = match parse(arguments.as_bytes()) {
        Ok(Json::Obj(members)) => members,
        _ => Obj::default(),
    };
    let empty = || Json::Arr(Vec::new());
    Some(match form {
        CallForm::Function | CallForm::Custom => return None,
        CallForm::LocalShell => {
            let defaults = obj([("type", "exec".into()), ("command", empty()), ("env", obj([]))]);
            ("local_shell_call", "action", over(defaults, wanted))
        }
        CallForm::Shell => {
            let defaults =
                [("commands", empty()), ("timeout_ms", Json::Null), ("max_output_length", Json::Null)];
            ("shell_call", "action", over(obj(defaults), wanted))
        }
        CallForm::ApplyPatch => {
            let defaults = obj([("type", "update_file".into()), ("path", "".into())]);
            ("apply_patch_call", "operation", over(defaults, wanted))
        }
    })
}

/// What the model said, and what it left out.
fn over(mut defaults: Json<'static>, said: Obj<'_>) -> Json<'static> {
    if let (Json::Obj(out), Json::Obj(said)) = (&mut defaults, Json::Obj(said).into_owned()) {
        for (key, value) in said.members {
            match out.members.iter_mut().find(|(known, _)| *known == key) {
                Some((_, slot)) => *slot = value,
                None => out.members.push((key, value)),
            }
        }
    }
    defaults
}
