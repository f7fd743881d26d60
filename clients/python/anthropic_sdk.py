"""The Anthropic SDK."""

import anthropic

from driver import QUESTION, TOOL, Answer, Speaker, Task, ToolTurn

ASK = [{"role": "user", "content": QUESTION}]
TOOLS = [{"name": TOOL["name"], "description": TOOL["description"], "input_schema": TOOL["schema"]}]


def read(message) -> Answer:
    text = "".join(block.text for block in message.content if block.type == "text")
    usage = message.usage
    cached = usage.cache_read_input_tokens or 0
    whole = usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0)
    return Answer(text, (whole, cached, usage.output_tokens))


class Anthropic(Speaker):
    errors = {
        400: anthropic.BadRequestError,
        401: anthropic.AuthenticationError,
        429: anthropic.RateLimitError,
        529: anthropic.OverloadedError,
    }
    broken = anthropic.APIError

    def __init__(self, task: Task):
        self.client = anthropic.Anthropic(base_url=task.base_url, api_key=task.key, max_retries=0, timeout=15)

    def whole(self, model, key=None):
        client = self.client.with_options(api_key=key) if key else self.client
        return read(client.messages.create(model=model, max_tokens=256, messages=ASK))

    def streamed(self, model, said):
        with self.client.messages.stream(model=model, max_tokens=256, messages=ASK) as stream:
            for piece in stream.text_stream:
                said.append(piece)
            return read(stream.get_final_message())

    def tool(self, model):
        with self.client.messages.stream(model=model, max_tokens=256, messages=ASK, tools=TOOLS) as stream:
            message = stream.get_final_message()
        assert message.stop_reason == "tool_use", message
        call = next(block for block in message.content if block.type == "tool_use")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}
        history = [*ASK, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
        answer = self.client.messages.create(model=model, max_tokens=256, messages=history, tools=TOOLS)
        return ToolTurn(call.name, call.input, read(answer))

    def count(self, model):
        return self.client.messages.count_tokens(model=model, messages=ASK).input_tokens

    def models(self):
        return [model.id for model in self.client.models.list()]


def speaker(task: Task) -> Speaker:
    return Anthropic(task)
