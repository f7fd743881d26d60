// The Vercel AI SDK with its OpenAI provider, Responses.

import { createOpenAI } from '@ai-sdk/openai';
import { speakerOf } from './ai_common.mjs';

export const speaker = (task) =>
  speakerOf((apiKey) => createOpenAI({ baseURL: `${task.base_url}/v1`, apiKey }).responses, task);
