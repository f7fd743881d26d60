"""The OpenAI SDK, Responses."""

import json

import openai

from driver import QUESTION, TOOL, Answer, Speaker, Task, ToolTurn
from openai_chat import ERRORS

ASK = [{"role": "user", "content": QUESTION}]
TOOLS = [
    {
        "type": "function",
        "name": TOOL["name"],
        "description": TOOL["description"],
        "parameters": TOOL["schema"],
        "strict": False,
    }
]


def read(response) -> Answer:
    usage = response.usage
    return Answer(
        response.output_text,
        (usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens),
    )


class Responses(Speaker):
    errors = ERRORS
    broken = openai.APIError
    # The provider's own `response.failed` reaches the SDK as it is; its helper then misses the end.
    failed = (openai.APIError, RuntimeError)

    def __init__(self, task: Task):
        self.client = openai.OpenAI(base_url=f"{task.base_url}/v1", api_key=task.key, max_retries=0, timeout=15)

    def whole(self, model, key=None):
        client = self.client.with_options(api_key=key) if key else self.client
        return read(client.responses.create(model=model, input=ASK, store=False))

    def _final(self, said, **request):
        """Streams by the SDK's helper, which puts the pieces together again."""
        with self.client.responses.stream(store=False, **request) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    said.append(event.delta)
            return stream.get_final_response()

    def streamed(self, model, said):
        return read(self._final(said, model=model, input=ASK))

    def tool(self, model):
        response = self._final([], model=model, input=ASK, tools=TOOLS)
        call = next(item for item in response.output if item.type == "function_call")
        items = [item.model_dump(exclude={"parsed_arguments"}, exclude_none=True) for item in response.output]
        # What the helper adds to the text of a message is not for sending.
        for part in (part for item in items for part in item.get("content", [])):
            part.pop("parsed", None)
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
        answer = self.client.responses.create(model=model, input=[*ASK, *items, result], tools=TOOLS, store=False)
        return ToolTurn(call.name, json.loads(call.arguments), read(answer))

    def models(self):
        return [model.id for model in self.client.models.list()]


def speaker(task: Task) -> Speaker:
    return Responses(task)
