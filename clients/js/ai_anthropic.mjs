// The Vercel AI SDK with its Anthropic provider.

import { createAnthropic } from '@ai-sdk/anthropic';
import { speakerOf } from './ai_common.mjs';

export const speaker = (task) =>
  speakerOf((apiKey) => createAnthropic({ baseURL: `${task.base_url}/v1`, apiKey }), task);
