// The official Anthropic client.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { address, all, hold, key } from "./dialogue.mjs";

const settings = { baseURL: address, apiKey: key, maxRetries: 0 };
const client = new Anthropic(settings);
const question = { role: "user", content: "What is the weather in Oslo?" };
const asked = { model: "auto", max_tokens: 256, system: "Be brief.", messages: [question] };
const tools = [
  {
    name: "get_weather",
    description: "The weather at a place.",
    input_schema: {
      type: "object",
      properties: { place: { type: "string", enum: ["Oslo"] } },
      required: ["place"],
      additionalProperties: false,
    },
  },
];

/** The request that follows a reply which called the tool. */
function afterCalling(message) {
  const call = message.content.find((block) => block.type === "tool_use");
  assert.equal(call.name, "get_weather");
  assert.deepEqual(call.input, { place: "Oslo" });
  const { role, content } = message;
  const result = { type: "tool_result", tool_use_id: call.id, content: "Snow." };
  const turns = [question, { role, content }, { role: "user", content: [result] }];
  return { ...asked, tools, messages: turns };
}

function textOf(message) {
  return message.content.map((block) => block.text ?? "").join("");
}

await hold({
  "a message": async () => {
    const message = await client.messages.create(asked);

    assert.equal(message.type, "message");
    assert.equal(message.role, "assistant");
    assert.equal(message.stop_reason, "end_turn");
    assert.ok(textOf(message));
    assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
    assert.match(message._request_id, /^req_/);
  },

  "a streamed message": async () => {
    const events = await all(await client.messages.create({ ...asked, stream: true }));

    const kinds = events.map((event) => event.type);
    assert.equal(kinds[0], "message_start");
    assert.deepEqual(kinds.slice(-3), ["content_block_stop", "message_delta", "message_stop"]);
    assert.equal(events.at(-2).delta.stop_reason, "end_turn");
    assert.ok(events.at(-2).usage.output_tokens > 0);
  },

  "the stream helper": async () => {
    const stream = client.messages.stream(asked);
    const pieces = [];
    stream.on("text", (piece) => pieces.push(piece));

    assert.equal(textOf(await stream.finalMessage()), pieces.join(""));
  },

  "a tool round trip": async () => {
    const first = await client.messages.create({ ...asked, tools });
    assert.equal(first.stop_reason, "tool_use");

    assert.match(textOf(await client.messages.create(afterCalling(first))), /Snow/);
  },

  "a streamed tool round trip": async () => {
    const first = await client.messages.stream({ ...asked, tools }).finalMessage();
    assert.equal(first.stop_reason, "tool_use");

    const last = await client.messages.stream(afterCalling(first)).finalMessage();
    assert.match(textOf(last), /Snow/);
  },

  "counted tokens": async () => {
    const { model, system, messages } = asked;
    const bare = await client.messages.countTokens({ model, messages });
    const more = await client.messages.countTokens({ model, system, messages, tools });

    assert.ok(bare.input_tokens > 0);
    assert.ok(more.input_tokens > bare.input_tokens);
  },

  "the models": async () => {
    const models = await all(client.models.list());

    assert.ok(models.some((model) => model.id === "auto" && model.type === "model"));
  },

  "an unknown model": async () => {
    const unknown = { ...asked, model: "no-such-model" };
    const notFound = (error) => {
      assert.ok(error instanceof Anthropic.NotFoundError);
      assert.equal(error.error.type, "error");
      assert.equal(error.error.error.type, "not_found_error");
      return true;
    };

    await assert.rejects(client.messages.create(unknown), notFound);
    await assert.rejects(client.messages.create({ ...unknown, stream: true }), notFound);
  },

  "a wrong key": async () => {
    const stranger = new Anthropic({ ...settings, apiKey: "another" });

    await assert.rejects(stranger.messages.create(asked), Anthropic.AuthenticationError);
  },

  "a malformed request": async () => {
    const empty = { ...asked, messages: [] };
    const nobody = { ...asked, messages: [{ role: "nobody", content: "Hi." }] };

    await assert.rejects(client.messages.create(empty), Anthropic.BadRequestError);
    await assert.rejects(client.messages.create(nobody), Anthropic.BadRequestError);
  },
});
