//! Command lines as documents write them: split into commands, comments and variables taken off.

/// The commands of one line, each as its words.
pub(super) fn commands(line: &str) -> Vec<Vec<&str>> {
    let line = line.split(" # ").next().unwrap_or_default();
    if line.trim_start().starts_with('#') {
        return Vec::new();
    }
    let mut commands = vec![Vec::new()];
    for word in line.split_whitespace() {
        if matches!(word, "&&" | "||" | "|" | ";" | "&") {
            commands.push(Vec::new());
        } else if let Some(command) = commands.last_mut()
            && !(command.is_empty() && (word == "$" || word == "export" || is_assignment(word)))
        {
            command.push(word);
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// Names that look like variables: in capitals, and with an underscore or assigned to.
pub(super) fn variables(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let word = &rest[start..];
        let end = word.find(|it| !is_part(it)).unwrap_or(word.len());
        let (name, after) = word.split_at(end);
        let is_upper = name.starts_with(|it: char| it.is_ascii_uppercase())
            && !name.contains(|it: char| it.is_ascii_lowercase());
        if is_upper && (name.contains('_') || after.starts_with('=')) {
            found.push(name);
        }
        rest = after;
    }
    found
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| variables(&format!("{name}=")) == [name])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_and_what_is_no_command_is_left_out() {
        assert_eq!(
            commands("$ DSN=postgres://db/hub hub-server --port 0 | tee log # or so"),
            [vec!["hub-server", "--port", "0"], vec!["tee", "log"]]
        );
        assert_eq!(commands("hub-admin users add ada tags=a").len(), 1);
        assert!(commands("# a comment").is_empty());
        assert!(commands("export A_B=1").is_empty());
    }

    #[test]
    fn variables_are_told_from_other_words() {
        assert_eq!(variables("DSN=x DATA_DIR/journal and JSON, rpm_limit=5"), ["DSN", "DATA_DIR"]);
    }
}
