// A link may bring the token along after its #, which no browser sends to any server: the demo's does.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("token").value = token;
  document.querySelector("form").requestSubmit();
}
