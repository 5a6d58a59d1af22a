import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

function Poll() {
  const [votes, setVotes] = useState({});
  const ask = async (path, options) => setVotes(await (await fetch(path, options)).json());
  useEffect(() => {
    ask("/api/votes");
  }, []);
  return (
    <>
      <h1>What do you drink?</h1>
      {Object.entries(votes).map(([name, count]) => (
        <p key={name}>
          <button onClick={() => ask(`/api/votes/${name}`, { method: "POST" })}>{name}</button> {count}
        </p>
      ))}
    </>
  );
}

createRoot(document.getElementById("poll")).render(<Poll />);
