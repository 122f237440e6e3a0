import { expect, test } from 'vitest'
import { findTitle, hidePasswords } from '../../src/cli/process/hide-passwords.ts'

test.each([
  ['postgres://u:hidden@h:5432/db?sslmode=require', 'postgres://h:5432/db?sslmode=require'],
  ['--queue=redis://:hidden@h/0', '--queue=redis://h/0'],
  ['postgres://u:hid@den/x?y@h/db', 'postgres://h/db'],
  ['postgres://h/db?user=u&password=hidden&sslmode=require', 'postgres://h/db?user=u&password=&sslmode=require'],
  ['https://example.com/a', 'https://example.com/a'],
  ['./tools.mjs', './tools.mjs'],
  ['me@example.com', 'me@example.com'],
])('`%s` is shown as `%s`', (argument, shown) => {
  expect(hidePasswords(argument)).toBe(shown)
})

test('a command line without a password keeps its title', () => {
  expect(findTitle(['serve', '--store', 'postgres://h/db'])).toBeUndefined()
  expect(findTitle(['serve', '--store', 'postgres://u:hidden@h/db'])).toBe('dagstream serve --store postgres://h/db')
})
