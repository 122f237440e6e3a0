import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { findCommand, quoteWord } from '../../src/cli/process/shell.ts'

test('a word that a shell takes as it is stays as it is', () => {
  expect(quoteWord('http://127.0.0.1:8321/a-b_c')).toBe('http://127.0.0.1:8321/a-b_c')
})

test.skipIf(process.platform === 'win32')('any other comes out of a shell as it went in', () => {
  for (const word of ['', "it's", 'a b', '$HOME `id` "x" \\', 'a\nb', '!#~*?[x]{y}|;&<>()', '-n ü']) {
    expect(execFileSync('sh', ['-c', `printf %s ${quoteWord(word)}`], { encoding: 'utf8' })).toBe(word)
  }
})

test('the program is called by its name where it was linked, else by its path', () => {
  expect([
    findCommand('/usr/local/bin/dagstream', '/home/x'),
    findCommand('/home/x/dist/cli/main.js', '/home/x'),
    findCommand('/home/x y/main.js', '/home'),
    findCommand(undefined, '/home'),
  ]).toEqual(['dagstream', 'node dist/cli/main.js', "node 'x y/main.js'", 'dagstream'])
})
