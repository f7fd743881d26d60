// The Vercel AI SDK: the same calls whatever the provider.

import { APICallError, generateText, jsonSchema, streamText, tool } from 'ai';
import { QUESTION, TOOL } from './driver.mjs';

const ASK = [{ role: 'user', content: QUESTION }];
const TOOLS = { [TOOL.name]: tool({ description: TOOL.description, inputSchema: jsonSchema(TOOL.schema) }) };

const read = (text, usage) => ({
  text,
  usage: [usage.inputTokens, usage.inputTokenDetails.cacheReadTokens ?? 0, usage.outputTokens],
});

/** `provider(key)` makes a function from the name of a model to a model; `providerOptions` go with every call. */
export function speakerOf(provider, task, providerOptions = {}) {
  const own = provider(task.key);
  const generate = async (model, more) => {
    const result = await generateText({ model, messages: ASK, maxRetries: 0, providerOptions, ...more });
    return read(result.text, result.usage);
  };
  // What went wrong in a stream is a part of it; it is thrown here, as an application would have to.
  const stream = async (model, said, more = {}) => {
    const result = streamText({ model, messages: ASK, maxRetries: 0, providerOptions, onError: () => {}, ...more });
    for await (const part of result.fullStream) {
      if (part.type === 'text-delta') said.push(part.text ?? part.delta);
      if (part.type === 'error') throw part.error;
    }
    return result;
  };
  return {
    whole: (model, key) => generate((key ? provider(key) : own)(model)),
    streamed: async (model, said) => {
      const result = await stream(own(model), said);
      return read(await result.text, await result.usage);
    },
    tool: async (model) => {
      const result = await stream(own(model), [], { tools: TOOLS });
      const [call] = await result.toolCalls;
      const { messages } = await result.response;
      const reply = {
        type: 'tool-result',
        toolCallId: call.toolCallId,
        toolName: call.toolName,
        output: { type: 'text', value: 'rain' },
      };
      const history = [...ASK, ...messages, { role: 'tool', content: [reply] }];
      const answer = await generate(own(model), { messages: history, tools: TOOLS });
      return { name: call.toolName, arguments: call.input, answer };
    },
    isError: (error) => APICallError.isInstance(error),
    // The error of a stream is handed on as it was found: an exception, the object that was sent, or its text.
    // Exceptions of JavaScript itself would be mistakes: of the SDK, or of the stream that it could not read.
    isBroken: (error) => Boolean(error) && !(error instanceof TypeError) && !(error instanceof ReferenceError),
    says: (error) => error.statusCode,
  };
}
