import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const folder = new URL('docs/examples/', root)

/** Those that need more than to be imported, each with the test that runs it. */
const RUN_BY: Readonly<Record<string, string>> = {
  // A program of the command line, which asks a server.
  'api-client.js': 'test/e2e/chat.test.ts',
  // A page, and its server, which runs until it is stopped.
  'page.html': 'test/examples/page.test.ts',
  'page-server.ts': 'test/examples/page.test.ts',
  // Pages of a chat, and their server.
  'chat-page.tsx': 'test/examples/chat-pages.test.ts',
  'ag-ui-page.ts': 'test/examples/chat-pages.test.ts',
  'chat-server.ts': 'test/examples/chat-pages.test.ts',
  // A component, which needs a page.
  'react-hook.tsx': 'test/examples-react/react-hook.test.ts',
}

const examples = readdirSync(folder)
const programs = examples.filter(name => !(name in RUN_BY))
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

test('there are examples', () => {
  expect(programs.length).toBeGreaterThan(0)
})

test.each(programs)('the example %s runs and finds what it expects', async name => {
  await import(fileURLToPath(new URL(name, folder)))
})

test.each(Object.entries(RUN_BY))('the example %s is run by %s', (name, path) => {
  expect(examples).toContain(name)
  expect(read(path)).toContain(`docs/examples/${name}`)
})

test.each(programs)('the example %s checks itself', name => {
  expect(read(`docs/examples/${name}`)).toContain("from 'node:assert/strict'")
})
