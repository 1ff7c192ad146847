"""Bodies as Anthropic's SDK (2.12) sends them, and streams as its documentation prints them."""

from pointsman.formats.sse import Event, Splitter

#: `client.messages.create(...)` with most of what it takes.
ASKED = (
    b'{"max_tokens":2048,"messages":[{"role":"user","content":[{"type":"image","source":{"type":'
    b'"base64","media_type":"image/png","data":"iVBORw0KGgo="}},{"type":"document","title":"Notes",'
    b'"source":{"type":"text","media_type":"text/plain","data":"Paris is rainy."}},{"type":"text",'
    b'"text":"Weather here?"}]},{"role":"assistant","content":[{"type":"thinking","thinking":'
    b'"Look it up.","signature":"EqQBCgIYAhIM"},{"type":"tool_use","id":"toolu_01","name":'
    b'"get_weather","input":{"city":"Paris"}}]},{"role":"user","content":[{"type":"tool_result",'
    b'"tool_use_id":"toolu_01","content":[{"type":"text","text":"15 C"}],"is_error":false},{"type":'
    b'"text","text":"And tomorrow?"}]},{"role":"system","content":"Answer in French."}],"model":'
    b'"auto","metadata":{"user_id":"u1"},"output_config":{"effort":"high","format":{"type":'
    b'"json_schema","schema":{"type":"object"}}},"service_tier":"auto","stop_sequences":["END"],'
    b'"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral","ttl":"1h"}}],'
    b'"thinking":{"type":"adaptive","display":"summarized"},"tool_choice":{"type":"auto",'
    b'"disable_parallel_tool_use":true},"tools":[{"name":"get_weather","description":'
    b'"Weather of a city","input_schema":{"type":"object","properties":{"city":{"type":"string"}},'
    b'"required":["city"]},"strict":true,"cache_control":{"type":"ephemeral"}},{"type":'
    b'"web_search_20250305","name":"web_search"}]}'
)

#: `client.beta.messages.create(...)`.
BETA = (
    b'{"max_tokens":2048,"messages":[{"role":"user","content":"hi"}],"model":"auto","container":'
    b'"c1","context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]},"mcp_servers":'
    b'[{"type":"url","url":"https://x","name":"m"}],"thinking":{"type":"enabled",'
    b'"budget_tokens":1024}}'
)

#: "Streaming messages": a tool call after thinking and words.
STREAMED = b"""\
event: message_start
data: {"type":"message_start","message":{"id":"msg_014p7gG3wDgGV9EUtLvnow3U","type":"message",\
"role":"assistant","model":"claude-opus-5-5","stop_sequence":null,"usage":{"input_tokens":472,\
"output_tokens":2,"cache_read_input_tokens":100,"cache_creation_input_tokens":28},"content":[],\
"stop_reason":null}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"",\
"signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"They \
ask for the weather."}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":\
"EqQBCgIYAhIM1gbcDa9GJwZA2b3h"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Okay"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":", let's see:"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":\
"toolu_01T1x1fJ34qAmk2tNTrN7Up6","name":"get_weather","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":\
"{\\"location\\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":\
" \\"San Francisco, CA\\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{\
"output_tokens":89,"output_tokens_details":{"thinking_tokens":11}}}

event: message_stop
data: {"type":"message_stop"}

"""

#: The same message in one piece.
WHOLE = (
    b'{"id":"msg_014p7gG3wDgGV9EUtLvnow3U","type":"message","role":"assistant","model":'
    b'"claude-opus-5-5","stop_sequence":null,"usage":{"input_tokens":472,"output_tokens":89,'
    b'"cache_read_input_tokens":100,"cache_creation_input_tokens":28,"output_tokens_details":'
    b'{"thinking_tokens":11}},"content":[{"type":"thinking","thinking":"They ask for the weather.",'
    b'"signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3h"},{"type":"text","text":"Okay, let\'s see:"},'
    b'{"type":"tool_use","id":"toolu_01T1x1fJ34qAmk2tNTrN7Up6","name":"get_weather","input":'
    b'{"location": "San Francisco, CA"}}],"stop_reason":"tool_use"}'
)


def events(stream: bytes) -> list[Event]:
    return list(Splitter().feed(stream))
