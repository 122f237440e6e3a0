import { describe, expect, test } from 'vitest'
import { call, collectLines, run, serve } from './mcp-rig.ts'
import { verbatimJson, verbatimProcess, type VerbatimServer, verbatimStream } from './verbatim-rig.ts'

// No timeout applies here: an answer that vanished would end its test.
const NO_TIMEOUT = { taskTimeoutMs: 0 }

const TRANSPORTS: [string, VerbatimServer][] = [
  ['stdio', verbatimProcess],
  ['HTTP, as JSON', verbatimJson],
  ['HTTP, as a stream that stays open', verbatimStream],
]

const RESULT = '"result":{"content":[{"type":"text","text":"fine"}]}'

/** Answers that are usable once what does not belong there is dropped, and their output. */
const USABLE: [string, string, unknown][] = [
  ['a null error', `{"jsonrpc":"2.0","id":$ID,${RESULT},"error":null}`, 'fine'],
  ['a null `_meta`', '{"jsonrpc":"2.0","id":$ID,"result":{"_meta":null,"content":[{"type":"text","text":"x"}]}}', 'x'],
  [
    'a progress token of null in its `_meta`',
    '{"jsonrpc":"2.0","id":$ID,"result":{"_meta":{"progressToken":null},"content":[{"type":"text","text":"x"}]}}',
    'x',
  ],
  ['further members', `{"jsonrpc":"2.0","id":$ID,${RESULT},"elapsed":3,"server":null}`, 'fine'],
  ['null members of a request', `{"jsonrpc":"2.0","id":$ID,"method":null,"params":null,${RESULT}}`, 'fine'],
  ['the method of its request', `{"jsonrpc":"2.0","id":$ID,"method":"tools/call",${RESULT}}`, 'fine'],
  ['its id as text', `{"jsonrpc":"2.0","id":"$ID",${RESULT}}`, 'fine'],
  ['its id as a float', `{"jsonrpc":"2.0","id":$ID.0,${RESULT}}`, 'fine'],
  ['an array around it', `[{"jsonrpc":"2.0","id":$ID,${RESULT}}]`, 'fine'],
  [
    'an array around it and what is no message',
    `[null,{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":$ID,${RESULT}}]`,
    'fine',
  ],
  ['a byte order mark', `\uFEFF{"jsonrpc":"2.0","id":$ID,${RESULT}}`, 'fine'],
  [
    'nulls in its blocks',
    '{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"text","text":"x","annotations":null,"_meta":null}],"structuredContent":null,"isError":null}}',
    'x',
  ],
  [
    'nulls in its structured content, which stay',
    '{"jsonrpc":"2.0","id":$ID,"result":{"content":null,"structuredContent":{"a":null,"_meta":null,"b":[null]}}}',
    { a: null, _meta: null, b: [null] },
  ],
]

const FAULT = 'MCP server `h` sent an answer that violates the protocol: '

/** Answers that cannot be used, and what is said of them. */
const UNUSABLE: [string, string, string][] = [
  [
    'an error without a code',
    '"error":{"message":"out of luck"}',
    'its `error` has no `code`, not an integer; it says: out of luck',
  ],
  [
    'an error with a null code',
    '"error":{"code":null,"message":"x"}',
    'its `error` has null as `code`, not an integer; it says: x',
  ],
  [
    'an error whose code is text',
    '"error":{"code":"E_X","message":"x"}',
    'its `error` has `"E_X"` (string) as `code`, not an integer; it says: x',
  ],
  [
    'an error whose code is a fraction',
    '"error":{"code":1.5,"message":"x"}',
    'its `error` has `1.5` (number) as `code`, not an integer; it says: x',
  ],
  ['an error without a message', '"error":{"code":5}', 'its `error`, code 5, has no `message`'],
  ['an error with a null message', '"error":{"code":5,"message":null}', 'its `error`, code 5, has null as `message`'],
  ['an error that is text', '"error":"out of luck"', 'its `error` is a string, not an object; it says: out of luck'],
  ['an error that is an array', '"error":[]', 'its `error` is an array, not an object'],
  ['an error that is false beside a result', `"error":false,${RESULT}`, 'it has both `result` and `error`'],
  [
    'an error beside a result',
    `"error":{"code":5,"message":"x"},${RESULT}`,
    'it has both `result` and `error`; it says: x',
  ],
  ['neither', '"more":1', 'it has neither `result` nor `error`'],
  ['null for both', '"result":null,"error":null', 'its `result` is null'],
  ['a result that is text', '"result":"done"', 'its `result` is a string, not an object'],
  ['a result that is a number', '"result":3', 'its `result` is a number, not an object'],
  ['a result that is an array', '"result":[]', 'its `result` is an array, not an object'],
  ['a `_meta` that is text', '"result":{"_meta":"x","content":[]}', 'its `_meta` is a string, not an object'],
  ['a `_meta` that is an array', '"result":{"_meta":[],"content":[]}', 'its `_meta` is an array, not an object'],
]

const UNUSABLE_ENVELOPES: [string, string, string][] = [
  ...UNUSABLE.map(([name, members, fault]): [string, string, string] => [
    name,
    `{"jsonrpc":"2.0","id":$ID,${members}}`,
    fault,
  ]),
  ['no `jsonrpc`', `{"id":$ID,${RESULT}}`, 'its `jsonrpc` is undefined, not "2.0"'],
  ['another `jsonrpc`', `{"jsonrpc":"1.0","id":$ID,${RESULT}}`, 'its `jsonrpc` is `"1.0"` (string), not "2.0"'],
  ['a number as `jsonrpc`', `{"jsonrpc":2,"id":"$ID",${RESULT}}`, 'its `jsonrpc` is `2` (number), not "2.0"'],
  ['one of these in an array', '[{"jsonrpc":"2.0","id":$ID,"result":null}]', 'its `result` is null'],
]

describe.each(TRANSPORTS)('over %s, a call', (_, start) => {
  test.each(USABLE)('is answered by an answer that has %s', async (_name, answer, output) => {
    const tools = await serve({ h: await start({ 'tools/call': answer }) }).tools()
    const { result } = await run(tools, [{ id: 'a', tool: 'h:odd' }], NO_TIMEOUT)
    expect(result.results).toMatchObject([{ status: 'success', output }])
  })

  test.each(UNUSABLE_ENVELOPES)('fails at once by an answer that has %s', async (_name, answer, fault) => {
    const tools = await serve({ h: await start({ 'tools/call': answer }) }).tools()
    const { result } = await run(tools, [{ id: 'a', tool: 'h:odd' }], NO_TIMEOUT)
    expect(result.results).toMatchObject([{ status: 'error', code: 'TOOL_ERROR', error: FAULT + fault }])
  })

  test('fails at once by an answer with a number that JSON does not have', async () => {
    const answer = '{"jsonrpc":"2.0","id":$ID,"result":{"structuredContent":{"x":NaN}}}'
    const tools = await serve({ h: await start({ 'tools/call': answer }) }).tools()
    const { result } = await run(tools, [{ id: 'a', tool: 'h:odd' }], NO_TIMEOUT)
    expect(result.results).toMatchObject([
      { code: 'TOOL_ERROR', error: expect.stringMatching(/^MCP server `h` sent .*: it is not JSON: .*NaN|token N/) },
    ])
  })

  test('is not repeated where the error has the code of a refusal, though no message', async () => {
    const tools = await serve({
      h: await start({ 'tools/call': '{"jsonrpc":"2.0","id":$ID,"error":{"code":-32602}}' }),
    }).tools()
    const retry = { maxAttempts: 3, initialDelayMs: 0 }
    const { task } = await call(tools, 'h:odd', {}, { retry })
    expect(task).toMatchObject({ attempts: 1, error: `${FAULT}its \`error\`, code -32602, has no \`message\`` })
  })

  test('fails with the error of an answer whose id is null', async () => {
    const answer = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'
    const tools = await serve({ h: await start({ 'tools/call': answer }) }).tools()
    const { result } = await run(tools, [{ id: 'a', tool: 'h:odd' }], NO_TIMEOUT)
    expect(result.results).toMatchObject([{ code: 'TOOL_ERROR', error: 'MCP error -32700: Parse error' }])
  })

  test('fails by a result without an id', async () => {
    const tools = await serve({ h: await start({ 'tools/call': `{"jsonrpc":"2.0",${RESULT}}` }) }).tools()
    const { result } = await run(tools, [{ id: 'a', tool: 'h:odd' }], NO_TIMEOUT)
    expect(result.results).toMatchObject([{ code: 'TOOL_ERROR', error: `${FAULT}it has no \`id\`` }])
  })

  test.each([
    ['the result of the first protocol', '"toolResult":{"a":1}', { status: 'success', output: { a: 1 } }],
    ['an array as structured content', '"structuredContent":[1,null]', { status: 'success', output: [1, null] }],
    ['nothing', '"isError":false', { status: 'success', output: [] }],
    [
      'text as content',
      '"content":"fine"',
      { code: 'TOOL_ERROR', error: 'Expected the `content` of the result to be an array, got `"fine"` (string)' },
    ],
    [
      'its output beside the content',
      '"temperature":21',
      {
        code: 'TOOL_ERROR',
        error: 'Expected the result to have `content` or `structuredContent`; it has `temperature`',
      },
    ],
    [
      'an error in structured content alone',
      '"isError":true,"content":[],"structuredContent":{"reason":"full"}',
      { code: 'TOOL_ERROR', error: '{"reason":"full"}' },
    ],
  ])('whose result has %s is not read as an empty output', async (_name, members, outcome) => {
    const answer = `{"jsonrpc":"2.0","id":$ID,"result":{${members}}}`
    const tools = await serve({ h: await start({ 'tools/call': answer }) }).tools()
    expect((await call(tools, 'h:odd')).task).toMatchObject(outcome)
  })

  test('gets its progress, though it has nulls', async () => {
    const progress =
      '{"jsonrpc":"2.0","id":null,"method":"notifications/progress","params":{"_meta":null,"progressToken":$TOKEN,"progress":1,"total":null,"message":null},"x":1}'
    const answer = `[${progress},{"jsonrpc":"2.0","id":$ID,${RESULT}}]`
    const tools = await serve({ h: await start({ 'tools/call': answer }) }).tools()
    const { task, events } = await call(tools, 'h:odd')
    expect(task.output).toBe('fine')
    expect(events.filter(({ type }) => type === 'task_progress').map(({ data }) => data)).toMatchObject([
      { progress: 1 },
    ])
  })

  test('that is unusable is reported to the log as well', async () => {
    const logger = collectLines()
    const tools = await serve(
      { h: await start({ 'tools/call': '{"jsonrpc":"2.0","id":$ID,"result":null}' }) },
      { logger },
    ).tools()
    await call(tools, 'h:odd')
    expect(logger.lines.filter(line => line.startsWith('warn'))).toEqual([
      `warn ${FAULT.replace('` sent', '`: sent')}its \`result\` is null`,
    ])
  })
})

describe.each(TRANSPORTS)('over %s, a server', (_, start) => {
  test.each(UNUSABLE_ENVELOPES)('does not start where `initialize` is answered by %s', async (_name, answer, fault) => {
    const servers = serve({ h: await start({ initialize: answer }) })
    await expect(servers.toolsFor({ tasks: [{ tool: 'h:odd' }] })).rejects.toMatchObject({
      message: `MCP server \`h\` does not start: it sent an answer that violates the protocol: ${fault}`,
    })
  })

  test.each(UNUSABLE_ENVELOPES)('does not start where `tools/list` is answered by %s', async (_name, answer, fault) => {
    const servers = serve({ h: await start({ 'tools/list': answer }) })
    await expect(servers.toolsFor({ tasks: [{ tool: 'h:odd' }] })).rejects.toMatchObject({
      message: `MCP server \`h\` does not start: it sent an answer that violates the protocol: ${fault}`,
    })
  })

  test.each([
    [
      'nulls where there is nothing to say',
      '"capabilities":{"tools":{"listChanged":null},"prompts":null,"logging":null,"experimental":null},"serverInfo":{"name":"x","title":null,"version":"1"},"instructions":null',
    ],
    [
      'a list as `capabilities.tools`',
      '"capabilities":{"tools":[{"name":"odd"}]},"serverInfo":{"name":"x","version":"1"}',
    ],
    ['true as `capabilities.tools`', '"capabilities":{"tools":true},"serverInfo":{"name":"x","version":"1"}'],
    ['no version of itself', '"capabilities":{"tools":{}},"serverInfo":{"name":"x"}'],
    ['nothing about itself', '"capabilities":{"tools":{}}'],
    ['null capabilities', '"capabilities":null,"serverInfo":null,"_meta":null'],
  ])('starts with %s', async (_name, members) => {
    const initialize = `{"jsonrpc":"2.0","id":$ID,"result":{"protocolVersion":"2025-06-18",${members}},"error":null}`
    const tools = await serve({ h: await start({ initialize }) }).toolsFor({ tasks: [{ tool: 'h:odd' }] })
    expect((await call(tools, 'h:odd')).task.output).toBe('fair')
  })

  test('that lists null has no tools', async () => {
    const list = '{"jsonrpc":"2.0","id":$ID,"result":{"tools":null}}'
    expect(await serve({ h: await start({ 'tools/list': list }) }).tools()).toEqual([])
  })

  test('does not start without a version of the protocol', async () => {
    const servers = serve({ h: await start({ initialize: '{"jsonrpc":"2.0","id":$ID,"result":{"capabilities":{}}}' }) })
    await expect(servers.toolsFor({ tasks: [{ tool: 'h:odd' }] })).rejects.toMatchObject({
      message:
        'MCP server `h` does not start: it sent an answer that violates the protocol: its `protocolVersion` is undefined, not a string',
    })
  })

  test.each([
    ['null as cursor', '"tools":[{"name":"odd","inputSchema":{"type":"object"}}],"nextCursor":null,"_meta":null'],
    [
      'nulls in its tools',
      '"tools":[{"name":"odd","title":null,"description":null,"inputSchema":null,"outputSchema":null,"annotations":null,"execution":null,"icons":null,"_meta":null}]',
    ],
    ['nulls in a schema', '"tools":[{"name":"odd","inputSchema":{"type":"object","properties":null,"required":null}}]'],
  ])('lists its tools with %s', async (_name, members) => {
    const list = `{"jsonrpc":"2.0","id":$ID,"result":{${members}}}`
    const tools = await serve({ h: await start({ 'tools/list': list }) }).tools()
    expect(tools.map(({ name }) => name)).toEqual(['h:odd'])
    expect((await call(tools, 'h:odd')).task.output).toBe('fair')
  })
})
