"""Who is checked against whom: the one list of clients and dialects."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """A dialect as providers speak it."""

    name: str
    provider_type: str
    # Prefix of the models that SDKs ask for; what follows names the provider's behaviour.
    models: str
    # What the lab calls it in its witness.
    lab: str


DIALECTS = {
    dialect.name: dialect
    for dialect in [
        Dialect("claude", "claude", "claude-sonnet-4-5-", "claude"),
        Dialect("openai", "openai-compatible", "gpt-4.1-", "openai"),
        Dialect("responses", "codex", "gpt-5-", "responses"),
        Dialect("gemini", "gemini", "gemini-2.5-pro-", "gemini"),
    ]
}


@dataclass(frozen=True)
class Client:
    name: str
    # The dialect that it speaks itself.
    dialect: str
    # What has to be installed for it (see install.py).
    package: str
    # SDKs: the file of its speaker. Agents: none.
    speaker: str = ""
    # What it is, for --list.
    about: str = ""

    @property
    def is_agent(self) -> bool:
        return not self.speaker


CLIENTS = {
    client.name: client
    for client in [
        Client("py-anthropic", "claude", "python", "anthropic_sdk", "Anthropic SDK for Python"),
        Client("py-openai-chat", "openai", "python", "openai_chat", "OpenAI SDK for Python, Chat Completions"),
        Client("py-openai-responses", "responses", "python", "openai_responses", "OpenAI SDK for Python, Responses"),
        Client("py-google", "gemini", "python", "google_genai", "Google Gen AI SDK for Python"),
        Client("js-anthropic", "claude", "js", "anthropic_sdk", "Anthropic SDK for JavaScript"),
        Client("js-openai-chat", "openai", "js", "openai_chat", "OpenAI SDK for JavaScript, Chat Completions"),
        Client("js-openai-responses", "responses", "js", "openai_responses", "OpenAI SDK for JavaScript, Responses"),
        Client("js-google", "gemini", "js", "google_genai", "Google Gen AI SDK for JavaScript"),
        Client("ai-anthropic", "claude", "js", "ai_anthropic", "Vercel AI SDK, Anthropic provider"),
        Client("ai-openai-chat", "openai", "js", "ai_openai_chat", "Vercel AI SDK, OpenAI provider, chat models"),
        Client("ai-openai-responses", "responses", "js", "ai_openai_responses", "Vercel AI SDK, OpenAI provider"),
        Client("ai-google", "gemini", "js", "ai_google", "Vercel AI SDK, Google provider"),
        Client("claude-code", "claude", "claude-code", about="Claude Code"),
        Client("codex", "responses", "codex", about="Codex CLI"),
        Client("gemini-cli", "gemini", "gemini-cli", about="Gemini CLI"),
    ]
}


# What the hub does not do yet, and so cannot be checked: by check, where provider and client speak different
# dialects. A check that passes all the same is reported, so that this list stays true.
GAPS: dict[str, str] = {}


def overloaded(client: Client) -> int:
    """The status of an overloaded provider, in the client's dialect."""
    return 529 if client.dialect == "claude" else 503
