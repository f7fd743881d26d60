// The Anthropic SDK.

import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { QUESTION, TOOL } from './driver.mjs';

const ASK = [{ role: 'user', content: QUESTION }];
const TOOLS = [{ name: TOOL.name, description: TOOL.description, input_schema: TOOL.schema }];
const ERRORS = {
  400: Anthropic.BadRequestError,
  401: Anthropic.AuthenticationError,
  429: Anthropic.RateLimitError,
  529: Anthropic.InternalServerError,
};

function read(message) {
  const text = message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const { usage } = message;
  const cached = usage.cache_read_input_tokens ?? 0;
  const whole = usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0);
  return { text, usage: [whole, cached, usage.output_tokens] };
}

export function speaker(task) {
  const make = (apiKey) => new Anthropic({ baseURL: task.base_url, apiKey, maxRetries: 0, timeout: 15_000 });
  const client = make(task.key);
  const base = (model) => ({ model, max_tokens: 256, messages: ASK });
  return {
    whole: async (model, key) => read(await (key ? make(key) : client).messages.create(base(model))),
    streamed: async (model, said) => {
      const stream = client.messages.stream(base(model));
      stream.on('text', (piece) => said.push(piece));
      return read(await stream.finalMessage());
    },
    tool: async (model) => {
      const message = await client.messages.stream({ ...base(model), tools: TOOLS }).finalMessage();
      const call = message.content.find((block) => block.type === 'tool_use');
      const result = { type: 'tool_result', tool_use_id: call.id, content: 'rain' };
      const messages = [
        ...ASK,
        { role: 'assistant', content: message.content },
        { role: 'user', content: [result] },
      ];
      const answer = await client.messages.create({ ...base(model), messages, tools: TOOLS });
      return { name: call.name, arguments: call.input, answer: read(answer) };
    },
    count: async (model) => (await client.messages.countTokens({ model, messages: ASK })).input_tokens,
    models: async () => {
      for await (const model of client.models.list()) if (!model.id) throw new Error('a model without an id');
    },
    isError: (error, status) => error instanceof ERRORS[status],
    isBroken: (error) => error instanceof APIError,
    says: (error) => error.status,
  };
}
