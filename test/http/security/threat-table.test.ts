import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

// docs/security.md and docs/machines.md say which test keeps what is promised: each is there, under the name it is given.

const docs = new URL('../../../docs/', import.meta.url)
const rows = ['security.md', 'machines.md'].flatMap(page => {
  const lines = readFileSync(new URL(page, docs), 'utf8').split('\n')
  const table = lines.slice(lines.findIndex(line => line.startsWith('| threat |')) + 2)
  const end = table.findIndex(line => !line.startsWith('| '))
  return table.slice(0, end).map(line => line.split(' | '))
})

test('every threat has a measure and a test', () => {
  expect(rows.length).toBeGreaterThan(20)
  expect(rows.filter(cells => cells.length !== 3)).toEqual([])
})

test.each(rows.map(([threat = '', , kept = '']) => [threat.slice(2), kept]))('%s', (_, kept) => {
  const places = kept.split(/(?=\[[a-z-]+\]\()/)
  for (const place of places) {
    const path = /\(([^)]+)\)/.exec(place)?.[1] as string
    const names = Array.from(place.matchAll(/`([^`]+)`/g), ([, name]) => name as string)
    expect(names.length).toBeGreaterThan(0)
    expect(existsSync(new URL(path, docs))).toBe(true)
    const source = readFileSync(new URL(path, docs), 'utf8')
    for (const name of names) {
      const quoted = [`'${name}'`, `"${name}"`]
      expect(
        quoted.some(text => source.includes(text)),
        name,
      ).toBe(true)
    }
  }
})
