"""`pointsman chat`, a conversation in the terminal; `ask` is its short form.

It talks to the gateway that runs; where none does, to one of its own that lives as long as it does
(`reach`). `talk` is the conversation as a value, `commands` what a line that begins with `/` does,
`screen` how answers are shown: as Markdown in a terminal, as they came elsewhere.
"""
