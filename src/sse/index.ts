/** `dagstream/sse`: encoding and parsing of Server-Sent Events, without the engine. */
export { negotiate } from './accept.ts'
export { decode, decodeEvent } from './decode.ts'
export { encode, encodeComment, encodeMessage, type MessageFields } from './encode.ts'
export { createParser, type Parser, type ParserOptions, parse, type SSEMessage } from './parse.ts'
export { parseStream } from './parse-stream.ts'
export { defaultFormat, type Format } from './formats.ts'
