// What the speakers of the OpenAI SDK share.

import OpenAI from 'openai';

const ERRORS = {
  400: OpenAI.BadRequestError,
  401: OpenAI.AuthenticationError,
  429: OpenAI.RateLimitError,
  503: OpenAI.InternalServerError,
};

export const make = (task, key) =>
  new OpenAI({ baseURL: `${task.base_url}/v1`, apiKey: key ?? task.key, maxRetries: 0, timeout: 15_000 });

export const common = (client) => ({
  models: async () => {
    for await (const model of client.models.list()) if (!model.id) throw new Error('a model without an id');
  },
  isError: (error, status) => error instanceof ERRORS[status],
  isBroken: (error) => error instanceof OpenAI.APIError,
  says: (error) => error.status,
});
