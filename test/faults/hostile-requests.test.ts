import { expect, test } from 'vitest'
import { startFaultRig } from './fault-rig.ts'
import { leavesNoHandles } from './handles.ts'
import { expectAnswers, type Row, WORKFLOW, withHead } from './hostile-rows.ts'
import { RawConnection, requestText, sendRaw } from './raw-connection.ts'

// Request lines, methods, hosts, lengths and bodies that no client of ours would send.

leavesNoHandles()

const tools = { work: () => 1 }
const HEALTH = { Host: 'localhost' }

test('whatever the request line says, the answer is the route, 404, or 400', async () => {
  const rig = await startFaultRig({ tools })
  const id = await rig.begin(JSON.parse(WORKFLOW) as object)
  const output = (taskId: string): string => `/executions/${id}/tasks/${taskId}/output`
  const targets: Record<string, number> = {
    '/healthz': 200,
    '/healthz?%': 200,
    '/healthz#fragment': 200,
    '/./healthz': 200,
    '/../healthz': 200,
    '/executions/../healthz': 200,
    '/executions/../../../../healthz': 200,
    'http://localhost/healthz': 200,
    'https://localhost/healthz': 200,
    'http://user:password@localhost/healthz': 200,
    'http://[/healthz': 400,
    'http://localhost:99999/healthz': 400,
    'ftp://localhost/healthz': 400,
    'javascript:alert(1)': 400,
    'data:,x': 400,
    healthz: 400,
    '?x': 400,
    '*': 400,
    '': 400,
    '\\healthz': 400,
    '/\\localhost/healthz': 400,
    '/a b': 400,
    '/\xe9': 400,
    '/\0': 400,
    '//': 404,
    '///': 404,
    '//healthz': 404,
    '//elsewhere/healthz': 404,
    '/healthz/': 404,
    '/HEALTHZ': 404,
    '/%00': 404,
    '/%68ealthz%00': 404,
    '/executions/': 404,
    '/executions//events': 404,
    '/executions/%00': 404,
    '/executions/%': 404,
    '/executions/%zz/events': 404,
    '/executions/%2e%2e/healthz': 200,
    '/executions/..%2fhealthz': 404,
    '/executions/%C0%AE': 404,
    '/executions/__proto__': 404,
    '/executions/constructor/events': 404,
    [`/executions/${'a'.repeat(8000)}`]: 404,
    [`/${'a/'.repeat(4000)}`]: 404,
    [`/executions/${id}`]: 200,
    [`/executions/${id}/`]: 404,
    [`/executions/${id}/events/`]: 404,
    [`/executions/${id}%00`]: 404,
    [output('a')]: 200,
    [output('%61')]: 200,
    [output('b')]: 404,
    [output('')]: 404,
    [output('%')]: 400,
    [output('%e9')]: 400,
    [output('%00')]: 404,
    [output('__proto__')]: 404,
    [output('%2561')]: 404,
    '/executions?limit=0': 400,
    '/executions?limit=-1': 400,
    '/executions?limit=1e3': 400,
    '/executions?limit=99999999999999999999': 400,
    '/executions?limit=%': 400,
    '/executions?limit=': 400,
    '/executions?after=': 400,
    '/executions?after=%ff': 400,
    '/executions?after=__proto__': 400,
    '/executions?limit=1&limit=x': 200,
  }
  await expectAnswers(
    rig,
    Object.entries(targets).map(([target, status]): Row => [target, status, requestText('GET', target)]),
  )
})

test('whatever the method is, the answer is the route, 405 with what is allowed, 501, or 400', async () => {
  const rig = await startFaultRig({ tools })
  const methods: Record<string, number | undefined> = {
    GET: 200,
    HEAD: 200,
    POST: 405,
    PUT: 405,
    PATCH: 405,
    DELETE: 405,
    OPTIONS: 405,
    PROPFIND: 405,
    QUERY: 405,
    'M-SEARCH': 405,
    // No platform makes a request of it.
    TRACE: 501,
    // Node closes a tunnel that nobody offers.
    CONNECT: undefined,
    TRACK: 400,
    UNHEARD: 400,
    get: 400,
    'G\0T': 400,
    'GET\t': 400,
    '': 400,
    [LONG_METHOD]: 400,
  }
  await expectAnswers(
    rig,
    Object.entries(methods).map(([method, status]): Row => [method, status, requestText(method, '/healthz')]),
  )
  const refused = await sendRaw(rig.port, requestText('DELETE', '/executions'))
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST, GET, HEAD'])
})

const LONG_METHOD = 'G'.repeat(8000)

test('whatever frames the request, it is understood or refused, never guessed at', async () => {
  const rig = await startFaultRig({ tools })
  const post = ['POST /executions HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Connection: close']
  const length = (value: string): string => withHead([...post, `Content-Length: ${value}`], WORKFLOW)
  const chunked = (body: string): string => withHead([...post, 'Transfer-Encoding: chunked'], body)
  const whole = `${WORKFLOW.length.toString(16)}\r\n${WORKFLOW}\r\n0\r\n\r\n`
  await expectAnswers(rig, [
    ...['', ' ', '-1', '+5', '1e3', '0x10', 'abc', '5, 6', '99999999999999999999', '1.5'].map(
      (value): Row => [`Content-Length: ${value}`, 400, length(value)],
    ),
    ['Content-Length: 0', 400, length('0')],
    ['Content-Length: less than there is', 400, length('5')],
    ['Content-Length: all there is', 200, length(String(WORKFLOW.length))],
    ['Content-Length: over the bound', 413, length('1048577')],
    ['Content-Length: far over the bound', 413, length('9007199254740993')],
    ['Content-Length twice', 400, withHead([...post, 'Content-Length: 5', 'Content-Length: 6'], WORKFLOW)],
    ['no length', 400, withHead(post, WORKFLOW)],
    ['chunks', 200, chunked(whole)],
    ['chunks and a trailer', 200, chunked(`${whole.slice(0, -2)}X-Injected: yes\r\n\r\n`)],
    ['a chunk with an extension', 200, chunked(whole.replace('\r\n', ';a=b\r\n'))],
    ['no chunks', 400, chunked('0\r\n\r\n')],
    ['a chunk without a size', 400, chunked('zz\r\n\r\n')],
    ['a chunk of a negative size', 400, chunked('-1\r\n\r\n')],
    ['a chunk longer than it says', 400, chunked(`5\r\n${WORKFLOW}\r\n0\r\n\r\n`)],
    ['a chunk of any size', 400, chunked('ffffffffffffffffff\r\n')],
    ['chunks over the bound', 413, chunked(`200000\r\n${' '.repeat(0x200000)}\r\n0\r\n\r\n`)],
    ['chunks and a length', 400, withHead([...post, 'Content-Length: 5', 'Transfer-Encoding: chunked'], whole)],
    ['another encoding', 400, withHead([...post, 'Transfer-Encoding: gzip'], whole)],
    ['an encoding in disguise', 400, withHead([...post, 'Transfer-Encoding: xchunked'], whole)],
    [
      'an expectation',
      200,
      withHead([...post, 'Expect: 100-continue', `Content-Length: ${WORKFLOW.length}`], WORKFLOW),
    ],
    ['another expectation', 417, withHead([...post, 'Expect: magic', `Content-Length: ${WORKFLOW.length}`], WORKFLOW)],
    ['a GET with a body', 200, requestText('GET', '/healthz', HEALTH, 'body')],
    ['a header without a name', 400, withHead(['GET /healthz HTTP/1.1', 'Host: localhost', ': x'])],
    ['a header without a colon', 400, withHead(['GET /healthz HTTP/1.1', 'Host: localhost', 'X'])],
    ['a space before the colon', 400, withHead(['GET /healthz HTTP/1.1', 'Host: localhost', 'X : x'])],
    ['lines that end in LF', 400, 'GET /healthz HTTP/1.1\nHost: localhost\n\n'],
    [
      'thousands of headers',
      431,
      withHead(['GET /healthz HTTP/1.1', 'Host: localhost', ...Array<string>(9000).fill('X: y')]),
    ],
    ['headers of a prototype', 200, requestText('GET', '/healthz', { Constructor: 'x', 'Has-Own-Property': 'x' })],
    ['an upgrade', 200, requestText('GET', '/healthz', { Connection: 'Upgrade', Upgrade: 'websocket' })],
    ['HTTP/1.0', 200, withHead(['GET /healthz HTTP/1.0', 'Host: localhost'])],
    ['HTTP/1.2', 400, withHead(['GET /healthz HTTP/1.2', 'Host: localhost'])],
    ['HTTP/0.9', 400, 'GET /healthz\r\n\r\n'],
    ['HTTP/2', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', 400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['noise', 400, '\0\xff'.repeat(5000)],
  ])
})

test('whatever the body is, the answer is a result or a problem', async () => {
  const rig = await startFaultRig({ tools })
  const bodies: Record<string, number> = {
    '': 400,
    '{': 400,
    '\0': 400,
    '\xff\xfe': 400,
    [WORKFLOW.slice(0, -1)]: 400,
    [`${WORKFLOW}x`]: 400,
    ['['.repeat(100_000)]: 400,
    ['{"a":'.repeat(100_000)]: 400,
    [`${'['.repeat(10_000)}${']'.repeat(10_000)}`]: 422,
    [`{"tasks":${'['.repeat(10_000)}${']'.repeat(10_000)}}`]: 422,
    [`{"tasks":[{"id":"a","tool":"work","arguments":{"x":${'['.repeat(5000)}${']'.repeat(5000)}}}]}`]: 422,
    [' '.repeat(1024 * 1024)]: 400,
    [' '.repeat(1024 * 1024 + 1)]: 413,
    null: 422,
    '[]': 422,
    '1': 422,
    '"x"': 422,
    '{}': 422,
    '{"workflow":null}': 422,
    '{"workflow":{"workflow":{"tasks":[]}}}': 422,
    '{"tasks":[],"__proto__":{"x":1}}': 422,
    '{"tasks":"\\ud800"}': 422,
    '{"tasks":[{"id":"\\ud800","tool":"work"}]}': 422,
    '{"tasks":[{"id":"a","tool":"__proto__"}]}': 422,
    '{"tasks":[{"id":"__proto__","tool":"work"}]}': 200,
    '{"tasks":[]}': 200,
    '\xef\xbb\xbf{"tasks":[]}': 200,
    '{"workflow":{"tasks":[]},"surprise":1}': 400,
    '{"workflow":{"tasks":[]},"options":null}': 400,
    '{"workflow":{"tasks":[]},"options":[]}': 400,
    '{"workflow":{"tasks":[]},"options":{"__proto__":1}}': 400,
    '{"workflow":{"tasks":[]},"options":{"maxConcurrency":1e999}}': 400,
    '{"workflow":{"tasks":[]},"options":{"timeoutMs":-1}}': 400,
    '{"workflow":{"tasks":[]},"options":{"onDisconnect":{"graceMs":-1}}}': 400,
    '{"workflow":{"tasks":[]},"options":{"onDisconnect":{"graceMs":1,"x":1}}}': 400,
    '{"workflow":{"tasks":[]},"input":{"__proto__":1}}': 200,
  }
  const head = ['POST /executions HTTP/1.1', 'Host: localhost', 'Content-Type: application/json']
  await expectAnswers(
    rig,
    Object.entries(bodies).map(
      ([body, status]): Row => [body.slice(0, 80), status, withHead([...head, `Content-Length: ${body.length}`], body)],
    ),
  )
})

test('requests that come all at once on one connection are answered one after another', async () => {
  const rig = await startFaultRig({ tools })
  const connection = await RawConnection.open(rig.port)
  const headers = { 'Content-Type': 'application/json' }
  connection.send(
    [
      requestText('GET', '/healthz'),
      requestText('POST', '/executions', headers, WORKFLOW),
      requestText('GET', '/executions/x'),
      requestText('POST', '/executions', { ...headers, Accept: 'text/event-stream' }, WORKFLOW),
      requestText('GET', '/healthz'),
    ].join(''),
  )
  const statuses: (number | undefined)[] = []
  for (let count = 0; count < 5; count++) statuses.push((await connection.answer()).status)
  connection.destroy()
  expect(statuses).toEqual([200, 200, 404, 200, 200])
})
