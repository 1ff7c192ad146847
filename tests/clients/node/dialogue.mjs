// What every program here shares: where the gateway is, and how dialogues are told.

/** The gateway's address, without a path, and the key it wants: the program's two arguments. */
export const [address, key] = process.argv.slice(2);

/** Holds each dialogue in turn; the program fails where one of them does. */
export async function hold(dialogues) {
  for (const [name, talk] of Object.entries(dialogues)) {
    try {
      await talk();
      console.log(`held: ${name}`);
    } catch (error) {
      console.error(`failed: ${name}\n`, error);
      process.exitCode = 1;
    }
  }
}

/** Everything that a stream gives. */
export async function all(stream) {
  const given = [];
  for await (const each of stream) given.push(each);
  return given;
}
