// As its README has it.
import axios from "axios";

const [, , target, timeout] = process.argv;
axios
  .get(target, timeout ? { timeout: timeout * 1000 } : {})
  .then((response) => console.log(response.data))
  .catch((error) => {
    console.error(`${error} (${error.code})`);
    process.exitCode = 1;
  });
