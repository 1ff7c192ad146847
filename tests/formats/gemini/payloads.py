"""Requests as google-genai 3.4.0 sends them, recorded at a loopback server.

Built from the SDK's own types (`types.Content`, `types.GenerateContentConfig`), trimmed of nothing
but `systemInstruction.role`, which says nothing. The SDK writes nested members in snake case, where
Google's JSON takes both; `camel` of tests.support.gemini_upstream makes them one.
"""

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 1}},
    "required": ["city"],
    "additionalProperties": False,
}

SAMPLING = """
{"contents": [{"parts": [{"text": "Hi"}], "role": "user"}],
 "systemInstruction": {"parts": [{"text": "Be brief."}]},
 "generationConfig": {"temperature": 0.5, "topP": 0.9, "topK": 40.0, "candidateCount": 2,
  "maxOutputTokens": 100, "stopSequences": ["END"], "responseLogprobs": true, "logprobs": 3,
  "presencePenalty": 0.1, "frequencyPenalty": 0.2, "seed": 7}}
"""

TOOLS = """
{"contents": [
  {"parts": [{"text": "Weather in Rome and Oslo?"}], "role": "user"},
  {"parts": [
    {"text": "I should look.", "thought": true},
    {"functionCall": {"id": "c1", "args": {"city": "Rome"}, "name": "weather"},
     "thoughtSignature": "AQID"},
    {"functionCall": {"id": "c2", "args": {"city": "Oslo"}, "name": "weather"}}],
   "role": "model"},
  {"parts": [
    {"functionResponse": {"id": "c1", "name": "weather", "response": {"output": "sunny"}}},
    {"functionResponse": {
      "parts": [{"inline_data": {"mime_type": "image/png", "data": "cG5n"}}],
      "id": "c2", "name": "weather", "response": {"error": "no such city"}}}],
   "role": "user"}],
 "tools": [{"functionDeclarations": [{"description": "The weather.", "name": "weather",
  "parameters_json_schema": {"type": "object",
   "properties": {"city": {"type": "string", "minLength": 1}},
   "required": ["city"], "additionalProperties": false}}]}],
 "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["weather"], "mode": "ANY"}},
 "generationConfig": {"thinkingConfig": {"include_thoughts": true, "thinking_level": "LOW"}}}
"""

JSON_OUTPUT = """
{"contents": [{"parts": [{"text": "A city"}], "role": "user"}],
 "generationConfig": {"responseMimeType": "application/json",
  "responseJsonSchema": {"type": "object",
   "properties": {"city": {"type": "string", "minLength": 1}},
   "required": ["city"], "additionalProperties": false},
  "thinkingConfig": {"thinking_budget": 2048}}}
"""

MEDIA = """
{"contents": [{"parts": [
  {"text": "What is this?"},
  {"inlineData": {"data": "cG5n", "mime_type": "image/png"}},
  {"fileData": {"file_uri": "https://example.com/a/cat.jpg?x=1", "mime_type": "image/jpeg"}},
  {"inlineData": {"data": "d2F2", "mime_type": "audio/wav"}},
  {"inlineData": {"data": "cGRm", "mime_type": "application/pdf"}}],
 "role": "user"}]}
"""
