import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const folder = new URL('../../docs/examples/', import.meta.url)
const examples = readdirSync(folder).filter(name => name.endsWith('.ts'))

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(0)
})

test.each(examples)('the example %s runs and finds what it expects', async name => {
  await import(fileURLToPath(new URL(name, folder)))
})
