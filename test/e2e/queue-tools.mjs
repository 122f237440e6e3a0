// Tools of the processes in queue.test.ts.

// oxlint-disable-next-line import/no-default-export -- it is what `--tools` reads
export default {
  rest: () => new Promise(resolve => setTimeout(() => resolve(1), 30)),
}
