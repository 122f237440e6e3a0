/** `dagstream/sse`: Server-Sent Events as text and back, without any of the rest. */
export { negotiate } from './accept.ts'
export { decode, decodeEvent } from './decode.ts'
export { encode, encodeComment, encodeMessage, type MessageFields } from './encode.ts'
export { createParser, type Parser, type ParserOptions, parse, type SSEMessage } from './parse.ts'
export { parseStream } from './parse-stream.ts'
export { defaultFormat, type Format } from './formats.ts'
