//! An errand: the lab plays a model that sends a coding client to its own shell and waits for what comes back.
//!
//! The command prints a text that it does not contain itself, so that only a client that ran it can return it.
//! The lab keeps nothing between requests: like a model, it goes by what the conversation holds.

use serde_json::{Value, json};

use crate::behaviour::Behaviour;

/// How a shell tool takes its command.
type Shape = fn(&str) -> Value;

/// Names of shell tools and the shape of their arguments, those of the coding clients we know. A longer name
/// that ends like one counts too: whoever converts a request may put the group's name before the tool's.
const SHELLS: [(&str, Shape); 6] = [
    ("Bash", |command| json!({"command": command, "description": "Run the errand"})),
    ("exec_command", |command| json!({"cmd": command})),
    ("run_shell_command", |command| json!({"command": command, "description": "Run the errand"})),
    ("shell_command", |command| json!({"command": command})),
    ("shell", |command| json!({"command": ["bash", "-lc", command]})),
    ("bash", |command| json!({"command": command, "description": "Run the errand"})),
];

/// What the answer to this request does, laid over the rest of the behaviour.
pub(crate) fn turn(word: &str, body: &[u8]) -> Behaviour {
    let outcome = format!("errand-{word}");
    if memchr::memmem::find(body, outcome.as_bytes()).is_some() {
        let text = format!("The shell said {outcome}.");
        return Behaviour { text: Some(text), tool_call: Some(false), ..Behaviour::default() };
    }
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some((name, arguments)) = shell(&request) else { return Behaviour::default() };
    let arguments = arguments(&format!("printf '%s-%s\\n' errand {word}"));
    Behaviour {
        text: Some("I will ask the shell.".to_owned()),
        tool_call: Some(true),
        tool_name: Some(name.to_owned()),
        tool_arguments: Some(arguments.to_string()),
        ..Behaviour::default()
    }
}

/// The shell among the tools that a request offers, in whatever dialect.
fn shell(request: &Value) -> Option<(&str, Shape)> {
    // Code Assist has the request one level deeper; Codex may offer tools as an item of its input.
    let wrapped = request.get("request").and_then(|inner| inner.get("tools"));
    let items = request.get("input").and_then(Value::as_array).into_iter().flatten();
    let offered = items.filter_map(|item| item.get("tools"));
    let mut names = Vec::new();
    for tools in request.get("tools").into_iter().chain(wrapped).chain(offered) {
        collect_names(tools, &mut names);
    }
    let exact = SHELLS
        .iter()
        .find_map(|(known, shape)| names.iter().find(|name| *name == known).map(|name| (*name, *shape)));
    exact.or_else(|| {
        SHELLS.iter().find_map(|(known, shape)| {
            names.iter().find(|name| name.ends_with(&format!("_{known}"))).map(|name| (*name, *shape))
        })
    })
}

/// The names of all tools in a list: of functions in whatever wrapper or group, not of their parameters.
fn collect_names<'a>(tools: &'a Value, names: &mut Vec<&'a str>) {
    match tools {
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        Value::Object(fields) => {
            names.extend(fields.get("name").and_then(Value::as_str));
            for wrapper in ["function", "functionDeclarations", "function_declarations", "tools"] {
                if let Some(inner) = fields.get(wrapper) {
                    collect_names(inner, names);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(request: &Value) -> Option<(String, Value)> {
        let turn = turn("w1", request.to_string().as_bytes());
        (turn.tool_call == Some(true))
            .then(|| (turn.tool_name.unwrap(), serde_json::from_str(&turn.tool_arguments.unwrap()).unwrap()))
    }

    #[test]
    fn the_shell_is_found_in_every_dialects_list_of_tools() {
        let parameters = json!({"type": "object", "properties": {"name": {"name": "Bash"}}});
        for (request, name) in [
            (json!({"tools": [{"name": "Read"}, {"name": "Bash", "input_schema": {}}]}), "Bash"),
            (json!({"tools": [{"type": "function", "function": {"name": "Bash"}}]}), "Bash"),
            (
                json!({"tools": [{"type": "web_search"}, {"type": "function", "name": "exec_command"}]}),
                "exec_command",
            ),
            (
                json!({"tools": [{"functionDeclarations": [{"name": "run_shell_command"}]}]}),
                "run_shell_command",
            ),
            (json!({"request": {"tools": [{"functionDeclarations": [{"name": "shell"}]}]}}), "shell"),
            (
                json!({"input": [{"type": "additional_tools", "tools": [{"name": "g", "tools": [{"name": "shell"}]}]}]}),
                "shell",
            ),
            (json!({"tools": [{"name": "group__exec_command"}]}), "group__exec_command"),
        ] {
            assert_eq!(called(&request).map(|(name, _)| name).as_deref(), Some(name), "{request}");
        }
        assert_eq!(called(&json!({"tools": [{"name": "other", "parameters": parameters}]})), None);
        assert_eq!(called(&json!({"messages": [{"name": "Bash"}]})), None);
    }

    #[test]
    fn the_command_does_not_hold_its_own_outcome() {
        let (_, arguments) = called(&json!({"tools": [{"name": "exec_command"}]})).unwrap();
        let command = arguments["cmd"].as_str().unwrap();
        let output = std::process::Command::new("sh").args(["-c", command]).output().unwrap();
        assert_eq!(output.stdout, b"errand-w1\n");
        assert!(!command.contains("errand-w1"));
    }

    #[test]
    fn the_answer_tells_the_outcome_once_it_came_back() {
        let turn = turn("w1", br#"{"tools":[{"name":"Bash"}],"messages":[{"content":"errand-w1\n"}]}"#);
        assert_eq!(turn.text.as_deref(), Some("The shell said errand-w1."));
        assert_eq!(turn.tool_call, Some(false));
    }

    #[test]
    fn requests_without_a_shell_are_left_alone() {
        for body in ["", "{}", "[1]", r#"{"tools":null}"#, r#"{"tools":[1,{"name":2}]}"#] {
            assert_eq!(turn("w1", body.as_bytes()), Behaviour::default(), "{body}");
        }
    }
}
