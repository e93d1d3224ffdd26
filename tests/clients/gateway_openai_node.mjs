// Chat, streams, tools, structured output, embeddings, responses, files, errors, Azure.
import assert from "node:assert/strict";
import OpenAI, { AzureOpenAI, toFile } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const [base, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Hi" }];
const hello = 'Hello from ferrolite mock: you said "Hi"';
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

for (const model of ["gpt-4o", "claude", "gemini"]) {
  const reply = await client.chat.completions.create({ model, messages });
  assert.equal(reply.choices[0].message.content, hello);
  assert.ok(reply.usage.total_tokens > 0);
  assert.ok(reply._request_id);

  let text = "";
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  assert.equal(text, hello);

  const question = [{ role: "user", content: "The weather in Oslo?" }];
  const asked = await client.chat.completions.create({ model, messages: question, tools, tool_choice: "required" });
  const [call] = asked.choices[0].message.tool_calls;
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "Oslo" });
  const told = await client.chat.completions.create({
    model,
    tools,
    messages: [
      ...question,
      asked.choices[0].message,
      { role: "tool", tool_call_id: call.id, content: "12 degrees" },
    ],
  });
  assert.match(told.choices[0].message.content, /12 degrees/);

  const Person = z.object({ name: z.string(), age: z.number() });
  const parsed = await client.chat.completions.parse({
    model,
    messages,
    response_format: zodResponseFormat(Person, "person"),
  });
  assert.equal(typeof parsed.choices[0].message.parsed.age, "number");

  const response = await client.responses.create({ model, input: "Hi" });
  assert.equal(response.output_text, hello);
  const events = [];
  for await (const event of await client.responses.create({ model, input: "Hi", stream: true })) {
    events.push(event.type);
  }
  assert.equal(events.at(-1), "response.completed");
}

// Without a word about it the client asks for base64.
const embedded = await client.embeddings.create({ model: "embed", input: ["one", "two"] });
assert.equal(embedded.data.length, 2);
assert.ok(embedded.data[0].embedding.every((number) => Number.isFinite(number)));
assert.ok(embedded.data[0].embedding.some((number) => number !== 0));

const file = await client.files.create({ file: await toFile(Buffer.from("{}\n"), "a.jsonl"), purpose: "batch" });
assert.equal(file.bytes, 3);
const names = [];
for await (const model of client.models.list()) names.push(model.id);
assert.ok(names.includes("claude"));

const fails = async (kind, model, key = apiKey) => {
  const one = new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0 });
  await assert.rejects(one.chat.completions.create({ model, messages }), (error) => error instanceof kind);
};
await fails(OpenAI.RateLimitError, "failing");
await fails(OpenAI.BadRequestError, "gpt4o");
await fails(OpenAI.AuthenticationError, "gpt-4o", "sk-wrong");

const azure = new AzureOpenAI({ endpoint: base, apiKey, apiVersion: "2024-10-21", deployment: "claude" });
const reply = await azure.chat.completions.create({ model: "claude", messages });
assert.equal(reply.choices[0].message.content, hello);

// A client that goes away in the middle of a stream.
const controller = new AbortController();
const stream = await client.chat.completions.create(
  { model: "gpt-4o", messages, stream: true },
  { signal: controller.signal },
);
for await (const _ of stream) controller.abort();
console.log("all done");
