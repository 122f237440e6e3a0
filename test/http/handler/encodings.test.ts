import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { handlerRig, ONE_TASK } from './handler-rig.ts'

const JSON_TYPE = { 'Content-Type': 'application/json' }
const plain = Buffer.from(JSON.stringify(ONE_TASK))
const ROUTES = ['/executions', '/workflows/validate']

test.each([
  ['gzip', gzipSync(plain)],
  ['GZIP', gzipSync(plain)],
  ['deflate', deflateSync(plain)],
  ['br', brotliCompressSync(plain)],
  ['zstd', plain],
  ['identity, gzip', gzipSync(plain)],
  ['gzip', plain],
])('a body with `Content-Encoding: %s` is refused with 415, which names it', async (encoding, body) => {
  const { handler, tool } = handlerRig()
  for (const path of ROUTES) {
    const headers = { ...JSON_TYPE, 'Content-Encoding': encoding }
    const response = await handler.fetch(new Request(`http://localhost${path}`, { method: 'POST', headers, body }))
    expect([response.status, response.headers.get('accept-encoding'), await response.json()]).toEqual([
      415,
      'identity',
      {
        title: 'Unsupported media type',
        detail: `Expected a body without \`Content-Encoding\`, got \`"${encoding}"\` (string): send it uncompressed`,
        status: 415,
      },
    ])
  }
  expect(tool.started).toEqual([])
})

test.each(['identity', 'Identity', ''])('a body with `Content-Encoding: %s` is read', async encoding => {
  const { send } = handlerRig()
  const headers = { 'Content-Encoding': encoding, Prefer: 'respond-async' }
  const answers = await Promise.all(ROUTES.map(path => send('POST', path, { headers, body: ONE_TASK })))
  expect(answers.map(({ status }) => status)).toEqual([202, 200])
})
