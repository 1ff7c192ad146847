// The AI SDK with its default OpenAI provider, which speaks /v1/responses.
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { address, all, hold, key } from "./dialogue.mjs";

const openai = createOpenAI({ baseURL: `${address}/v1`, apiKey: key });
const model = openai("auto");
const system = "You are helpful.";
const prompt = "What is the weather in Oslo?";
const Weather = z.object({ place: z.enum(["Oslo"]) });

/** A round of the tool, with the places that it was asked about. */
function withTool() {
  const places = [];
  const execute = async ({ place }) => (places.push(place), "Snow.");
  const getWeather = tool({ description: "The weather at a place.", inputSchema: Weather, execute });
  return { places, asked: { tools: { getWeather }, stopWhen: stepCountIs(3), maxRetries: 0 } };
}

function raise({ error }) {
  throw error;
}

await hold({
  "a text": async () => {
    const { text, finishReason, usage } = await generateText({ model, system, prompt });

    assert.ok(text);
    assert.equal(finishReason, "stop");
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
  },

  "a streamed text": async () => {
    const result = streamText({ model, system, prompt, onError: raise });

    assert.equal((await all(result.textStream)).join(""), await result.text);
    assert.ok(await result.text);
    assert.equal(await result.finishReason, "stop");
    assert.ok((await result.usage).outputTokens > 0);
  },

  "a second turn, which refers to the first by its items' ids": async () => {
    const first = [{ role: "user", content: "Say hi." }];
    const { response } = await generateText({ model, messages: first, maxRetries: 0 });
    const messages = [...first, ...response.messages, { role: "user", content: "Again." }];

    assert.ok((await generateText({ model, messages, maxRetries: 0 })).text);
  },

  "a tool round trip": async () => {
    const { places, asked } = withTool();
    const { steps, text } = await generateText({ model, prompt, ...asked });

    assert.deepEqual(places, ["Oslo"]);
    assert.deepEqual(steps.map((step) => step.finishReason), ["tool-calls", "stop"]);
    assert.match(text, /Snow/);
  },

  "a streamed tool round trip": async () => {
    const { places, asked } = withTool();
    const result = streamText({ model, prompt, ...asked, onError: raise });

    assert.match((await all(result.textStream)).join(""), /Snow/);
    assert.deepEqual(places, ["Oslo"]);
  },

  "a tool round trip of which nothing is to be stored": async () => {
    const { places, asked } = withTool();
    const providerOptions = { openai: { store: false } };
    const { text } = await generateText({ model, prompt, ...asked, providerOptions });

    assert.match(text, /Snow/);
    assert.deepEqual(places, ["Oslo"]);
  },

  "an object": async () => {
    const schema = z.object({ name: z.string(), inhabitants: z.number().int() });
    const { object } = await generateObject({ model, schema, prompt: "Tell me of Oslo." });

    schema.parse(object);
  },

  "a text by way of the chat API": async () => {
    const { text } = await generateText({ model: openai.chat("auto"), prompt });

    assert.ok(text);
  },

  "an unknown model": async () => {
    const unknown = openai("no-such-model");
    const notFound = (error) => APICallError.isInstance(error) && error.statusCode === 404;

    await assert.rejects(generateText({ model: unknown, prompt, maxRetries: 0 }), notFound);
  },
});
