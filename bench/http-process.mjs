import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * Starts a server in a process of its own. `BENCH_PROFILE=folder` has it write a CPU profile there when it stops.
 * @param {string} contender one of `CONTENDERS` of `http-contenders.mjs`
 * @param {object} options for the contender
 */
export async function startServer(contender, options = {}) {
  const folder = process.env.BENCH_PROFILE
  const profile = folder
    ? ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${contender}-${Date.now()}.cpuprofile`]
    : []
  const child = fork(new URL('http-server.mjs', import.meta.url), [], {
    execArgv: ['--expose-gc', ...profile],
    serialization: 'advanced',
  })
  const ended = once(child, 'exit')
  // A server that is asked after its end fails there; one that is stopped ends as it should.
  ended.catch(() => {})
  const ask = async (command, parameters) => {
    const answered = once(child, 'message')
    child.send({ command, parameters })
    const [answer] = await Promise.race([answered, ended.then(refuse)])
    if (answer.error !== undefined) throw new Error(`${contender}, ${command}: ${answer.error}`)
    return answer.value
  }
  const refuse = () => {
    throw new Error(`Expected an answer of \`${contender}\`, its process has ended`)
  }
  const url = await ask('start', { contender, options })
  const stop = async () => {
    child.disconnect()
    await ended
  }
  return { contender, url, ask, stop }
}

/** Starts a server of each contender, has `measure` do its work, and stops them however that ends. */
export async function withServers(starts, measure) {
  const servers = []
  try {
    for (const [contender, options] of starts) servers.push(await startServer(contender, options))
    return await measure(...servers)
  } finally {
    await Promise.all(servers.map(server => server.stop()))
  }
}

/**
 * Runs each measurement once to warm up and then `rounds` times, forwards and backwards in turn.
 * @param {Record<string, () => Promise<number>>} measurements
 * @returns {Promise<Record<string, number[]>>} what each gave, by name
 */
export async function alternate(measurements, rounds, warmupRounds = 1) {
  const names = Object.keys(measurements)
  const samples = Object.fromEntries(names.map(name => [name, []]))
  for (let round = -warmupRounds; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const sample = await measurements[name]()
      if (round >= 0) samples[name].push(sample)
    }
  }
  return samples
}
