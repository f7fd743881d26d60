// The OpenAI SDK, Chat Completions.

import { QUESTION, TOOL } from './driver.mjs';
import { common, make } from './openai_common.mjs';

const ASK = [{ role: 'user', content: QUESTION }];
const TOOLS = [
  { type: 'function', function: { name: TOOL.name, description: TOOL.description, parameters: TOOL.schema } },
];

function read(completion) {
  const { usage } = completion;
  return {
    text: completion.choices[0].message.content,
    usage: [usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens],
  };
}

export function speaker(task) {
  const client = make(task);
  const stream = (request) =>
    client.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
  return {
    ...common(client),
    whole: async (model, key) =>
      read(await (key ? make(task, key) : client).chat.completions.create({ model, messages: ASK })),
    streamed: async (model, said) => {
      const runner = stream({ model, messages: ASK });
      runner.on('content', (piece) => said.push(piece));
      return read(await runner.finalChatCompletion());
    },
    tool: async (model) => {
      const completion = await stream({ model, messages: ASK, tools: TOOLS }).finalChatCompletion();
      const { content, tool_calls } = completion.choices[0].message;
      const [call] = tool_calls;
      const { name, arguments: text } = call.function;
      const made = { id: call.id, type: 'function', function: { name, arguments: text } };
      const messages = [
        ...ASK,
        { role: 'assistant', content, tool_calls: [made] },
        { role: 'tool', tool_call_id: call.id, content: 'rain' },
      ];
      const answer = await client.chat.completions.create({ model, messages, tools: TOOLS });
      return { name, arguments: JSON.parse(text), answer: read(answer) };
    },
  };
}
