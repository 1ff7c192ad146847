// openai-node's plain chat, against any model: what is said is not looked at.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { address, all, hold, key } from "./dialogue.mjs";

const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: key, maxRetries: 0 });
const asked = {
  model: "auto",
  messages: [{ role: "user", content: "What is the capital of France?" }],
  max_tokens: 24,
  temperature: 0,
};

await hold({
  "a chat": async () => {
    const { data, response } = await client.chat.completions.create(asked).withResponse();

    assert.equal(data.object, "chat.completion");
    assert.ok(data.choices[0].message.content);
    assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
    assert.match(data._request_id, /^req_/);
    assert.equal(response.headers.get("x-pointsman-tier"), "simple");
  },

  "a streamed chat": async () => {
    const chunks = await all(await client.chat.completions.create({ ...asked, stream: true }));

    assert.equal(chunks[0].choices[0].delta.role, "assistant");
    assert.ok(chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join(""));
    assert.ok(chunks.every((chunk) => !chunk.usage), "nobody asked for usage");
    assert.ok(["stop", "length"].includes(chunks.at(-1).choices[0].finish_reason));
  },

  "a streamed chat with its usage": async () => {
    const wish = { stream: true, stream_options: { include_usage: true } };
    const chunks = await all(await client.chat.completions.create({ ...asked, ...wish }));

    assert.deepEqual(chunks.at(-1).choices, []);
    assert.ok(chunks.at(-1).usage.completion_tokens > 0);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.choices.length === 1));
  },

  "the stream helper": async () => {
    const stream = client.chat.completions.stream(asked);
    const completion = await stream.finalChatCompletion();

    assert.ok(completion.choices[0].message.content);
  },

  "the models": async () => {
    const names = (await all(client.models.list())).map((model) => model.id);

    assert.ok(names.includes("auto"));
    for (const name of names) assert.equal((await client.models.retrieve(name)).id, name);
  },
});
