"""The Google Gen AI SDK."""

from google import genai
from google.genai import errors as failures
from google.genai import types

from driver import QUESTION, TOOL, Answer, Speaker, Task, ToolTurn

FUNCTION = types.FunctionDeclaration(
    name=TOOL["name"], description=TOOL["description"], parameters_json_schema=TOOL["schema"]
)
TOOLS = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[FUNCTION])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)
ASK = types.Content(role="user", parts=[types.Part(text=QUESTION)])


def figures(usage) -> tuple[int, int, int]:
    out = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    return (usage.prompt_token_count, usage.cached_content_token_count or 0, out)


def visible(response) -> str:
    parts = response.candidates[0].content.parts if response.candidates else []
    return "".join(part.text for part in parts or [] if part.text and not part.thought)


def read(response) -> Answer:
    return Answer(visible(response), figures(response.usage_metadata))


class Gemini(Speaker):
    errors = {
        400: failures.ClientError,
        401: failures.ClientError,
        429: failures.ClientError,
        503: failures.ServerError,
    }
    broken = failures.APIError

    def __init__(self, task: Task):
        self.task = task
        self.client = self._client(task.key)

    def _client(self, key):
        options = types.HttpOptions(base_url=self.task.base_url, timeout=15_000)
        return genai.Client(api_key=key, http_options=options)

    def whole(self, model, key=None):
        client = self._client(key) if key else self.client
        return read(client.models.generate_content(model=model, contents=[ASK]))

    def streamed(self, model, said):
        usage = None
        for chunk in self.client.models.generate_content_stream(model=model, contents=[ASK]):
            if piece := visible(chunk):
                said.append(piece)
            usage = chunk.usage_metadata or usage
        return Answer("".join(said), figures(usage))

    def tool(self, model):
        parts = []
        for chunk in self.client.models.generate_content_stream(model=model, contents=[ASK], config=TOOLS):
            if chunk.candidates and chunk.candidates[0].content:
                parts += chunk.candidates[0].content.parts or []
        call = next(part.function_call for part in parts if part.function_call)
        reply = types.FunctionResponse(id=call.id, name=call.name, response={"output": "rain"})
        history = [
            ASK,
            types.Content(role="model", parts=parts),
            types.Content(role="user", parts=[types.Part(function_response=reply)]),
        ]
        answer = self.client.models.generate_content(model=model, contents=history, config=TOOLS)
        return ToolTurn(call.name, call.args, read(answer))

    def status_of(self, error):
        return getattr(error, "code", None)

    def count(self, model):
        return self.client.models.count_tokens(model=model, contents=[ASK]).total_tokens

    def models(self):
        return [model.name for model in self.client.models.list()]


def speaker(task: Task) -> Speaker:
    return Gemini(task)
