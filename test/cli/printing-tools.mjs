// Tools that write to standard output in every way that a program has, while they are loaded, called, and afterwards.
import { execFileSync, execSync, fork, spawn, spawnSync } from 'node:child_process'
import { Console } from 'node:console'
import { once } from 'node:events'
import fs, { appendFileSync, createWriteStream, writeFileSync, writeSync } from 'node:fs'
import { stdout } from 'node:process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { kept } from './printed-before.mjs'

console.log('noise: loaded')
process.stdout.write('noise: loaded too\n')
setTimeout(() => console.log('noise: timer of the module'))

const node = process.execPath
const print = text => ['-e', `console.log(${JSON.stringify(text)})`]

const WAYS = {
  log: () => console.log('noise: %s', 'log'),
  info: () => console.info('noise: info'),
  debug: () => console.debug('noise: debug'),
  dir: () => console.dir({ noise: 'dir' }),
  table: () => console.table([{ noise: 'table' }]),
  group: () => {
    console.group('noise: group')
    console.log('noise: in it')
    console.groupEnd()
  },
  count: () => console.count('noise: count'),
  time: () => {
    console.time('noise: time')
    console.timeEnd('noise: time')
  },
  console: () => new Console(process.stdout).log('noise: Console'),
  write: () => process.stdout.write('noise: write\n'),
  bytes: () => process.stdout.write(Buffer.from('noise: bytes\n')),
  named: () => stdout.write('noise: named import\n'),
  kept: () => kept.write('noise: kept\n'),
  large: () => new Promise(resolve => process.stdout.write(`noise: ${'x'.repeat(200_000)}\n`, resolve)),
  pipe: () => pipeline(Readable.from([`noise: ${'p'.repeat(100_000)}\n`, 'noise: pipe\n']), process.stdout),
  fsWriteSync: () => fs.writeSync(1, 'noise: fs.writeSync\n'),
  writeSync: () => writeSync(1, Buffer.from('noise: writeSync\n')),
  writeFileSync: () => writeFileSync(1, 'noise: writeFileSync\n'),
  appendFileSync: () => appendFileSync(1, 'noise: appendFileSync\n'),
  writev: () => fs.writevSync(1, [Buffer.from('noise: '), Buffer.from('writevSync\n')]),
  fsWrite: async () => (await promisify(fs.write)(1, 'noise: fs.write\n')).bytesWritten,
  stream: async () => {
    const stream = createWriteStream('', { fd: 1 })
    stream.end('noise: stream\n')
    await once(stream, 'close')
  },
  close: () => fs.closeSync(1),
  spawn: async () => once(spawn(node, print('noise: spawn'), { stdio: 'inherit' }), 'close'),
  spawnArray: async () => once(spawn(node, print('noise: spawn array'), { stdio: ['ignore', 'inherit', 2] }), 'close'),
  spawnNumber: async () => once(spawn(node, print('noise: spawn number'), { stdio: ['ignore', 1, 1] }), 'close'),
  spawnStream: async () =>
    once(spawn(node, print('noise: spawn stream'), { stdio: ['ignore', process.stdout, kept] }), 'close'),
  spawnSync: () => spawnSync(node, print('noise: spawnSync'), { stdio: 'inherit' }).status,
  execFileSync: () => execFileSync(node, print('noise: execFileSync'), { stdio: ['ignore', 'inherit', 'inherit'] }),
  execSync: () => execSync('echo noise: execSync', { stdio: 'inherit' }),
  fork: async () => once(fork(fileURLToPath(new URL('printed-before.mjs', import.meta.url))), 'close'),
  worker: async () => once(new Worker('console.log("noise: worker")', { eval: true }), 'exit'),
  late: async () => {
    setTimeout(() => console.log('noise: late'))
    setInterval(() => process.stdout.write('noise: interval\n'), 1).unref()
    process.on('exit', () => console.log('noise: exit'))
    await sleep(20)
  },
  end: () => process.stdout.end('noise: end\n'),
  afterEnd: () => console.log('noise: after the end'),
  destroy: () => process.stdout.destroy(),
  quiet: () => execSync('echo kept').toString(),
  cork: () => process.stdout.cork(),
  replaced: () => {
    process.stdout.write = () => true
  },
}

// oxlint-disable-next-line import/no-default-export -- what `--tools` takes
export default Object.fromEntries(
  Object.entries(WAYS).map(([name, call]) => [
    name,
    async () => {
      await call()
      return name
    },
  ]),
)
