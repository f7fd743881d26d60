"""The OpenAI SDK, Chat Completions."""

import json

import openai

from driver import QUESTION, TOOL, Answer, Speaker, Task, ToolTurn

ASK = [{"role": "user", "content": QUESTION}]
FUNCTION = {"name": TOOL["name"], "description": TOOL["description"], "parameters": TOOL["schema"]}
TOOLS = [{"type": "function", "function": FUNCTION}]

ERRORS = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    429: openai.RateLimitError,
    503: openai.InternalServerError,
}


def read(completion) -> Answer:
    usage = completion.usage
    figures = (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens)
    return Answer(completion.choices[0].message.content, figures)


class Chat(Speaker):
    errors = ERRORS
    broken = openai.APIError

    def __init__(self, task: Task):
        self.client = openai.OpenAI(base_url=f"{task.base_url}/v1", api_key=task.key, max_retries=0, timeout=15)

    def whole(self, model, key=None):
        client = self.client.with_options(api_key=key) if key else self.client
        return read(client.chat.completions.create(model=model, messages=ASK))

    def _final(self, said, **request):
        """Streams by the SDK's helper, which puts the pieces together again."""
        with self.client.chat.completions.stream(stream_options={"include_usage": True}, **request) as stream:
            for event in stream:
                if event.type == "content.delta":
                    said.append(event.delta)
            return stream.get_final_completion()

    def streamed(self, model, said):
        return read(self._final(said, model=model, messages=ASK))

    def tool(self, model):
        choice = self._final([], model=model, messages=ASK, tools=TOOLS).choices[0]
        assert choice.finish_reason == "tool_calls", choice
        (call,) = choice.message.tool_calls
        function = {"name": call.function.name, "arguments": call.function.arguments}
        said = {
            "role": "assistant",
            "content": choice.message.content,
            "tool_calls": [{"id": call.id, "type": "function", "function": function}],
        }
        history = [*ASK, said, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
        answer = self.client.chat.completions.create(model=model, messages=history, tools=TOOLS)
        return ToolTurn(call.function.name, json.loads(call.function.arguments), read(answer))

    def models(self):
        return [model.id for model in self.client.models.list()]


def speaker(task: Task) -> Speaker:
    return Chat(task)
