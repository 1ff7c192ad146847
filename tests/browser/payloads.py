"""Twenty texts that become markup or code where a page takes text for more than text."""

PAYLOADS = (
    "<script>window.planted = 1</script>",
    "<img src=x onerror=window.planted=1>",
    "<svg onload=window.planted=1>",
    "<svg><script>window.planted=1</script></svg>",
    '"><script>window.planted=1</script>',
    "' onmouseover='window.planted=1' autofocus onfocus='window.planted=1",
    "</title><script>window.planted=1</script>",
    "</textarea><img src=x onerror=window.planted=1>",
    "<iframe srcdoc='<script>parent.planted=1</script>'></iframe>",
    '<a href="javascript:window.planted=1">press</a>',
    "[press](javascript:window.planted=1)",
    "javascript:window.planted=1",
    "<details open ontoggle=window.planted=1>",
    "<math><mtext><img src=x onerror=window.planted=1></mtext></math>",
    "<style>@import 'http://127.0.0.1:1/planted.css';</style>",
    "<link rel=stylesheet href=http://127.0.0.1:1/planted.css>",
    "<base href=http://127.0.0.1:1/><form action=/planted><button>press</button></form>",
    "${window.planted=1} {{window.planted=1}} <%= window.planted=1 %>",
    "&lt;script&gt;window.planted=1&lt;/script&gt; \\u003cscript\\u003e",
    "<!--<script>--><b style=background:url(http://127.0.0.1:1/p)>\u202ereversed\u2066",
)
