// openai-node's responses, tools and errors, against a model that calls the tools it is offered.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { address, all, hold, key } from "./dialogue.mjs";

const settings = { baseURL: `${address}/v1`, apiKey: key, maxRetries: 0 };
const client = new OpenAI(settings);
const question = "What is the weather in Oslo?";
const messages = [{ role: "user", content: question }];
const weather = {
  name: "get_weather",
  description: "The weather at a place.",
  parameters: {
    type: "object",
    properties: { place: { type: "string", enum: ["Oslo"] } },
    required: ["place"],
    additionalProperties: false,
  },
};
const asInChat = [{ type: "function", function: weather }];
const asInResponses = [{ type: "function", strict: true, ...weather }];
const Place = z.object({ name: z.string(), inhabitants: z.number().int() });

await hold({
  "a tool round trip in a chat": async () => {
    const asked = { model: "auto", messages, tools: asInChat };
    const { message, finish_reason } = (await client.chat.completions.create(asked)).choices[0];
    assert.equal(finish_reason, "tool_calls");
    const [call] = message.tool_calls;
    assert.equal(call.function.name, "get_weather");
    assert.deepEqual(JSON.parse(call.function.arguments), { place: "Oslo" });

    const result = { role: "tool", tool_call_id: call.id, content: "Snow." };
    const told = { ...asked, messages: [...messages, message, result] };
    const last = (await client.chat.completions.create(told)).choices[0];
    assert.equal(last.finish_reason, "stop");
    assert.match(last.message.content, /Snow/);
  },

  "tools that run by themselves in a streamed chat": async () => {
    const places = [];
    const run = (place) => (places.push(place), "Snow.");
    const tool = {
      type: "function",
      function: { ...weather, parse: JSON.parse, function: run },
    };
    const runner = client.chat.completions.runTools({
      model: "auto",
      messages,
      tools: [tool],
      stream: true,
    });

    assert.match(await runner.finalContent(), /Snow/);
    assert.deepEqual(places, [{ place: "Oslo" }]);
  },

  "a chat that must fit a schema": async () => {
    const completion = await client.chat.completions.parse({
      model: "auto",
      messages,
      response_format: zodResponseFormat(Place, "place"),
    });

    Place.parse(completion.choices[0].message.parsed);
  },

  "a response": async () => {
    const response = await client.responses.create({ model: "auto", input: question });

    assert.equal(response.object, "response");
    assert.equal(response.status, "completed");
    assert.ok(response.output_text);
    assert.ok(response.usage.input_tokens > 0 && response.usage.output_tokens > 0);
  },

  "a streamed response": async () => {
    const asked = { model: "auto", instructions: "Be brief.", input: question, stream: true };
    const events = await all(await client.responses.create(asked));
    const kinds = events.map((event) => event.type);
    const deltas = events.filter((event) => event.type === "response.output_text.delta");

    assert.equal(kinds[0], "response.created");
    assert.equal(kinds.at(-1), "response.completed");
    assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
    const [message] = events.at(-1).response.output;
    assert.equal(message.content[0].text, deltas.map((event) => event.delta).join(""));
  },

  "a tool round trip in responses": async () => {
    const asked = { model: "auto", input: messages, tools: asInResponses, store: false };
    const first = await client.responses.create(asked);
    const call = first.output.find((item) => item.type === "function_call");
    assert.equal(call.name, "get_weather");
    assert.deepEqual(JSON.parse(call.arguments), { place: "Oslo" });

    const result = { type: "function_call_output", call_id: call.call_id, output: "Snow." };
    const input = [...messages, ...first.output, result];
    assert.match((await client.responses.create({ ...asked, input })).output_text, /Snow/);
  },

  "a tool call in a streamed response": async () => {
    const stream = client.responses.stream({ model: "auto", input: question, tools: asInResponses });
    const fragments = [];
    stream.on("response.function_call_arguments.delta", (event) => fragments.push(event.delta));
    const response = await stream.finalResponse();

    assert.deepEqual(JSON.parse(fragments.join("")), { place: "Oslo" });
    assert.equal(response.output.at(-1).arguments, fragments.join(""));
  },

  "a completion": async () => {
    const completion = await client.completions.create({ model: "auto", prompt: "One, two," });

    assert.equal(completion.object, "text_completion");
    assert.ok(completion.choices[0].text);
  },

  "an unknown model": async () => {
    const asked = { model: "no-such-model", messages };
    const notFound = (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, "model_not_found");
      return true;
    };

    await assert.rejects(client.chat.completions.create(asked), notFound);
    await assert.rejects(client.chat.completions.create({ ...asked, stream: true }), notFound);
    const input = question;
    await assert.rejects(client.responses.create({ model: "no-such-model", input }), notFound);
    await assert.rejects(client.models.retrieve("no-such-model"), notFound);
  },

  "a wrong key": async () => {
    const stranger = new OpenAI({ ...settings, apiKey: "another" });
    const refused = (error) => error instanceof OpenAI.AuthenticationError;

    await assert.rejects(stranger.chat.completions.create({ model: "auto", messages }), refused);
    await assert.rejects(stranger.responses.create({ model: "auto", input: question }), refused);
    await assert.rejects(stranger.models.list(), refused);
  },

  "a malformed request": async () => {
    const refused = (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.ok(error.param === "messages" && error.requestID);
      return true;
    };

    await assert.rejects(client.chat.completions.create({ model: "auto", messages: 1 }), refused);
  },
});
