//! `explain`: why a request went where it went.

use hub_management::view::{ChoiceView, ExplanationVerdict, ExplanationView, Unexplained};
use hub_types::RequestId;

use super::Context;
use crate::failure::{Failure, Result};
use crate::messages::{Messages, fill, fill_all};
use crate::{output, table};

pub(super) async fn run(request: RequestId, context: &Context<'_>) -> Result<()> {
    let explained = context.backend.explain(request).await?;
    let messages = &context.messages.routing;
    if context.json {
        output::print_json(&explained)?;
    } else if explained.verdict != ExplanationVerdict::Unknown {
        output::print(&text(&explained, context.messages))?;
    }
    let wrong = match (explained.verdict, explained.reason) {
        (ExplanationVerdict::Same, _) => return Ok(()),
        (ExplanationVerdict::Different, _) => messages.different,
        (ExplanationVerdict::Unknown, Some(Unexplained::CatalogueForgotten)) => messages.forgotten,
        (ExplanationVerdict::Unknown, Some(Unexplained::NotUnderstood)) => messages.not_understood,
        (ExplanationVerdict::Unknown, _) => messages.not_recorded,
    };
    Err(Failure::failed(wrong))
}

fn text(explained: &ExplanationView, messages: &Messages) -> String {
    let m = &messages.routing;
    let groups = explained.groups.as_deref().filter(|groups| !groups.is_empty());
    let values = [
        explained.dialect.as_str().to_owned(),
        explained.model.clone().unwrap_or_default(),
        explained.catalogue_version.unwrap_or_default().to_string(),
        groups.unwrap_or("default").to_owned(),
        explained.local_time.map(|time| time.strftime("%H:%M:%S").to_string()).unwrap_or_default(),
    ];
    let mut parts = vec![fill_all(m.went_by, &values)];
    for (choice, number) in explained.choices.iter().zip(1..) {
        parts.push("\n\n".to_owned());
        parts.push(title(choice, number, messages));
        if choice.binding.as_ref().is_none_or(|binding| binding.verdict != "followed") {
            parts.push("\n".to_owned());
            parts.push(table::stages(choice, messages));
            if !choice.candidates.is_empty() {
                parts.push("\n".to_owned());
                parts.push(table::candidates(choice, messages));
            }
        }
    }
    parts.concat()
}

fn title(choice: &ChoiceView, number: u32, messages: &Messages) -> String {
    let m = &messages.routing;
    let picked = choice.picked_name.as_deref().unwrap_or(m.nobody);
    let mut line = fill_all(m.choice, &[number.to_string(), picked.to_owned()]);
    if let Some(binding) = &choice.binding {
        let id = binding.provider_id.to_string();
        let verdict = [Some(binding.verdict.as_str()), binding.reason.as_deref()];
        let verdict = verdict.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let bound = binding.provider_name.clone().unwrap_or(id);
        line = format!("{line} · {}", fill_all(m.by_binding, &[bound, verdict]));
    }
    if !choice.is_same {
        let recorded = choice.recorded.map_or_else(|| m.nobody.to_owned(), |id| id.to_string());
        line = format!("{line} · {}", fill(m.differs, &recorded));
    }
    line
}
