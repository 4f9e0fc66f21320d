"""Keeps what was decided where the rules are silent, as a supervisor in a county would; it closes `docs/workflow.md`."""

DECISIONS = """\
## What the table does not say

Where the rules are silent, these were decided as a supervisor in a county would.

### Before dispatch

- A request for information from *accepted* holds the dispatch clock as well as accept and overall; supplying it leads back to
  where it was asked from. When it lapses the case is *submitted* again whatever it was before: the accept clock goes on, or
  starts anew where it had been met, and a person decides with what is known.
- Rejecting and redirecting are asked by one person and decided by another; the words the filer reads are written when asking.
- A case against a unit recuses everybody in that unit's subtree; against a head of a unit, that unit as well. A case against
  the county itself recuses nobody below it, since somebody must be able to pass it on. A case against a person is not
  dispatched to a unit where that person serves, but one level up.
- Handing a case to 110, 119 or 120 makes it urgent; until the arrival of each of them is confirmed no move ends it. After half
  an hour the head of the shift is told of an arrival that is not, half an hour later with the supervisors. Suspected abuse is
  confidential, hidden from the grid and handed to 110; whoever filed it still follows it.
- Raising the urgency hurries the running clocks from now on and never gives more time. Any other correction recounts the term
  of handling from its own start; nobody becomes late by it, and moments that somebody gave stay. A case that moves to another
  place leaves the old village read access, unless it is confidential.
- Nobody of a unit that handles a case corrects it; once it is dispatched only the county's desk and supervisors do.
- A report that was promised confidentiality stays so whatever becomes of the case: the handling unit sees no identity, dials
  nobody, finds nothing by phone, and the call-back agent makes the contact. Only a county supervisor opens the case itself.
- Whom a case is against is added at acceptance and put right later by the county's desk; the timeline says that it was, not
  whom. While they handle the case themselves it is reassigned first; named only when it waits for the person's word, they lose
  sight of it at once, and a rework is dispatched anew.
- Danger words count in whatever a person says later (supplements, answers to questions, urging, rating, reopening, whistles),
  also where the desk writes it down; what staff say of their work does not count.
- A call stays in the log of the unit that took it, but for those who are recused from its case, and for the unit that handles it
  where it is confidential.

### Dispatch and handling

- A village or community leads what its duty list names, or what the catalogue says nothing about. As first responder to
  anything else it needs a unit that answers for it among the assists, by statute or else as one that may lead, and waits for
  the report of one of these; where the catalogue names none, for that of a department or township.
- A unit without anybody who may handle a case (nobody there, or only recused people) does not get it.
- A township's dispatcher dispatches inside the township only. Only the lead passes work on, one level down; what it passed on
  ends with the lead's term, or earlier where it says so. A contact made below the lead is the lead's contact.
- Whoever signs becomes the handler, unless one was named. Ending a lead's part ends what it had passed on.
- A result needs a contact first, in its round or by the same lead in the round that it reworks, unless there is nobody to call:
  the report was anonymous or names nobody. A confidential case is contacted by the call-back agent.
- Raising a case gives the unit above write access and its head the lead's term; the lead stays answerable. At the county the
  leader responsible for the lead is told. A case that is listed for repeated failure is not raised again for it. When the lead
  changes, raising begins anew at the level above the new lead; whoever had the case keeps reading it.

### Service orders

- A service order is taken and done at its stations alone: nobody signs for it, hands it on or reports it as another case, and it is
  corrected into no other kind. Taking it stops the clock of taking; that the person was reached is said by who serves, at once
  or with the result, and stops the contact clock. Who gives an order back leaves a contact that was made.
- An order goes with its case. A new lead begins the station anew at its own unit, with the item's terms but the due moment that
  the case keeps; what goes back a station while it leads goes back to its hands. In a rework who served goes on, in half the
  station's term; a returned or reopened order is nobody's until it is dispatched. A case that moves to another grid takes along
  its volunteers and the station that the village has by its place; where the village leads, that waits for the change of hands.
- What is offered to volunteers alone becomes its unit's to take as well once it is late.
- Whoever took an order and does not come has it given back for them, with a reason, by a cadre or head of the station's unit or a
  dispatcher. Leave and the closing of an account give it back by themselves. Whoever has an order under way in hand is told
  when it is taken away or its case ends.

### Requests

- A refused return settles the dispute, and so does the second return that is agreed to; from then on the case is locked against
  returns, and only reassignment is left. A first return that is agreed to is no dispute.
- An urgent case is signed before its return may be asked. An assist returns its part alone; when the lead's return is agreed to
  all parts end, and where the decider names the new lead at once the assists stay.
- A case that changes hands keeps the due moment of its first hands in that round, unless the centre says why it starts anew.
  Where that moment is past, the new hands are late from the same breach on, and the ladder goes on from the level that it had
  reached: nobody is urged, listed or raised for what those before have been.
- An extension lengthens the lead's term, those of the parts beside and below it, and the promise to the resident. A breach that
  came while a request asked in time was waiting is not carried over to the new version.
- A leader is responsible for a unit by a post at it or above it; the nearest owns the decision on a second extension.
- A suspension needs a contact first, and ends at the close of business of its review date, rolled forward from a rest day.
- Requests that the new state of a case does not allow fall away, and their clock ends without verdict.
- An exclusion may be asked of a closed case: it is the one clock that runs there.
- What would let a unit off (refusing, sending elsewhere, voiding, excluding, judging closed) is decided by nobody who serves in
  a unit that handles or handled the case, its leader included; voiding, excluding and judging closed only at the county.
- Another county's matter goes back upstream and is tracked until signed whichever way the redirection was asked, and not after
  upstream's moment for returns.

### The end of a case

- Dissatisfaction waits for the supervisor's triage with a clock of its own: a rework in half the term, or with more time; sent
  elsewhere or judged closed only by a second person. Nobody of the handling unit triages, or asks for either.
- With several reporters triage begins, and the case closes, only when all were heard, rated or count as unreachable; the least
  favourable word decides. A person with several reports is called once. "Unreachable" holds only where nobody was reached.
- People are called between 08:30 and 20:30. What the checklist misses needs a note to pass; a warning does not. A look or a
  representative's rating that says no counts as missing. The same reply on three other cases is a warning; of replies only a
  blind index is kept. What a category asks for is inherited from the nearest category above.
- A look is asked of the grid's worker; where their own village handled the matter, of its township, but not of whoever handled it
  there themselves. What the township handled too nobody is asked to look at, and the review has to say why it passes.
- Dissatisfaction with a direct answer leads to *accepted*, to be dispatched; with a unit's result, to a further round of that lead.
- A case without anybody to call closes when its result passes review; by claim code it can be rated afterwards.
- A claim code that the village had in hand (it took the matter in, and the code was not texted past it since) follows,
  supplements and disputes; a rating by it stands in the timeline for the call-back agent to confirm and counts nowhere, a wish
  to withdraw ends nothing before the centre has called. So it is for an account that such a code joined.
- A resident may rate a closed case within 15 days when nobody's word was heard in its last round; the rating is kept and
  moves nothing. Reopening is another matter: once, within 15 days, by the person concerned or the claim code, with fresh parts
  and the promise of 15 working days. Extensions and the dispute over returns count anew then. Imported history is not reopened.
- Before dispatch the person's word withdraws a case; after it the centre calls. One reporter of several takes back only their
  own report. An anonymous case cannot be withdrawn once dispatched, since nobody could be asked.
- A wish to withdraw that the desk hears on the phone ends nothing by itself, before dispatch either: nobody of the handling unit
  records it, and a second person calls back to make sure.
- A matter is marked as settled only after as many reviewed answers as the county sets, over all rounds and recurrences; direct
  answers do not count, since nobody reviewed them. A new report of it still reaches the ledger, intake is shown that the earlier
  matter is settled, and a second person confirms that it is not taken up.
- Reaching a terminal state meets the overall clock; any other clock that does not belong to the new state ends without verdict.
- An upstream case that is called back waits for the upstream platform's word before it closes; a dissatisfied word of upstream's
  own call-back leads to triage. The internal term ends four working hours before upstream's, or with it where there is no room.
- Another moment of upstream's is recorded by the county's dispatcher or supervisor. A stricter one binds the running terms and
  the promise at once; a later one makes room for an extension. What was missed before upstream itself moved it stands in the old
  version of the clock alone. No extension carries a term or the promise past what upstream leaves the county.

### Merging

- Cases merge only when equally confidential and equally hidden from the grid, and not where they are against different people; a
  merge that would recuse the survivor's handlers waits for a reassignment. The furthest advanced survives, then the oldest; an
  upstream case survives, two upstream cases do not merge, and an upstream case that is behind is brought forward first.
- Nothing ends by a merge while somebody waits for an answer on it: a triage on either side, a wish to withdraw, a call-back that
  has begun, a whistle that may still be followed, a supervision order. A whistle that was missed ends with the merge, and stays
  missed. Other requests wait for the unmerging; who asked and the units of the merged case are told.
- The survivor's promise counts from the earliest report and is the nearer of the two; unmerging gives back what was taken, in
  the clock's own time, unless an extension came since. Raised urgency stays after unmerging, and so does what was hidden
  since: a merged case is at least as confidential and hidden as its survivor.
- Who does not see the survivor, or is recused from it, is not led there by the number of a merged case, and cannot take it out.
- The word of a reporter who was taken out again counts neither for the survivor nor in the figures. A reporter with a name in
  a case that had none so far is to be contacted within the term, from the merge on. Whoever handled or answered a merged case
  does not call back for the survivor.
- Of a chain the last case is taken out first. Notices and the residents' list name the number that each person knows.
- A published case goes only into a published one, and what is against somebody into none that is published.
- A repeat joins by itself only where person, place, secrecy, urgency, party and the figures in the text agree.
- Tip-offs, confidential cases and cases against a person or a unit are never published.

### The village's calls and filings

- A call's report or order lands in the grid that was said, else where the one with that telephone lives, else in the taker's
  only grid; otherwise it is asked. Who hung up is called back from the village at once, wherever in it they live.
- A number waits to be called back once in a village, until it was called; who hangs up after that is called back anew. A short
  or local number is nobody's telephone: it stays sealed on the call and is shown from there to who is to call.
- Who files for somebody picks them from their roster, or names them and says why, unless name and number are those of somebody
  on it. The answer is the same for who lives elsewhere and for who is on no roster; supervisors are shown the former.
- What a head of a household group files for a household concerns who heads that household, where the roster has their telephone,
  else the head of the group; the one who filed is told of number and answer in any case, and rates only what concerns them.
- A visit home that was taken is given back by who took it, by a cadre for them, or by anybody of the village once the time of
  coming is past; leave and the handing over of an account give it back too. What was left of the time to take it then runs on.
- Once the case has ended or gone to a unit, the visit is over for good: who was on the way is told, and the person where nothing
  else tells them. A request whose case is merged rests, and comes back when the merge is undone.

### Figures

- Accepted is the first acceptance or direct answer. Merged and void cases leave every figure, praise too; rejected, redirected and
  withdrawn ones leave closure; a terminated one stays, as not closed.
- Due is what was closed or whose term or promise has run out by the cut-off, so that no rate passes 100 %.
- On time means no breach of a lead's term in any round; for direct answers, of the promise. A delay stays with the case when it
  changes hands, a fresh term does not undo it. A case counts once, in the line of whoever leads it now, with what went before;
  whose delay it was, its timeline tells. A term that was lengthened on request in time counts as it was lengthened.
- Who has not signed in time is late, also when the part was taken away or given back afterwards; before it was due, it leaves.
- A past cut-off tells state, outcome, lead, exclusion, terms and words as they were then; kind, category, channel, place and who
  may see a case as they are now. A result that was sent back later counts as not yet given.
- Whether who was called helped counts for them, whether a unit's whistle was justified for who blew it, by the supervisor's ruling
  where there is one, else by the word of who was called; a resident's whistle is in no unit's figure.
- A round counts once in each period in which somebody spoke, by the least favourable words of that period.
- Coverage is what was heard or given up, over that and what is still owed. Recused cases do not count for who is recused;
  confidential ones count, and are listed only to those who may see them. Grid workers, cadres and household heads read figures
  without confidential cases and those hidden from the grid. Below the county no period shorter than a day is told.

### Urging and supervision

- A resident may urge any time while the case is open, once in 24 hours whatever others do; calls that the desk records are not
  limited.
- Drafts of slips carry no number, and discarded ones leave no entry; numbers are given at issuing, without gaps. Urging slips are
  not answered, only orders are; a supervisor may accept an order without an answer, never who answered it.
- One call, visit or interview about several cases of a unit counts once, with its person-times; every case has its entry.
- While a late case stands still its ladder waits: what was counted of a step before stays counted. An urgent case climbs in
  hours of day and night, 2, 6 and 24 after due.
- A case stands on a list because of the unit that is late. A visit or an interview at that unit, or above it below the county,
  takes it off; so does the end of the case. A ladder's draft falls away when its clock is not late any more.
- Who is head of the shift by the roster is a head of the county's unit; a team leader who is to be one holds that post. What
  rings or comes as a text is told apart from messages; until a gateway can speak, the desk rings the roster's number.
- While nobody leads a case, the centre is urged. Unanswered orders lose their clock when the case ends.
- A decision of the weekly meeting with a date becomes an order and counts apart; it is done when accepted or the case has ended.

### Proactive lists

- A department's list is of all who live where it serves. It counts by village and makes visits; who stands on it is read by the
  cadres and grid workers of their village and the staff of the units above it alone, and every reading is on record.
- The village's cadre, or a dispatcher over it, turns a list into orders within their villages, also that of a department. An
  order that came to nothing is not made again by the list; people of whom that is so are counted as skipped.
- Nobody keeps the first claim code of such an order. The village prints slips with fresh ones and brings them; what is said by
  such a code counts once the centre's call confirms it. A lost slip is printed once more, and voids the one before.

### Whistles

- Those on the ground whistle: staff of a village or township, for any unit but their own and the county; departments do not, they
  ask for support. A resident whistles for the community of the case's grid, where that one is recused for its township; one
  whistle at a time on a case, so many a day as the county sets.
- To a confidential case, or one that is hidden from the grid, a resident cannot whistle: who comes would give it away.
- A unit that is called may read the case; of a village its cadres and grid workers too. From above a called unit its township
  may come for it, never the county, and never the side that whistled.
- Checking in far from the place, or without a position, is noted, never refused; a late arrival counts as late.
- Nothing is judged before they came or should have. Whoever works at the unit that whistled speaks for it. Where the called unit
  says no, a supervisor who stands on neither side rules, once.
- A whistle that was taken back, or whose case has ended, ends the clocks of those who have not come; what was missed before stays
  missed. While nobody comes, the missed whistle does not keep a resident from whistling again.
- Whistles are told at once to who is on duty at the unit, else to who may come; so is what comes of them to who blew.

### Attachments and lists

- Whatever is filed takes files of whoever files it, through every channel; a head's visit and help take none. Whoever takes an
  order sees its files with whom it is for. Where a photo was taken is kept only of what people report for themselves.
- Lists are written in the background and fetched for a day, by whoever asked and at the door where they asked; a plain one is on
  record before it can be fetched. Whoever edits a roster by hand may hand its list in and fetch it: a sheet that names a grid
  beyond their reach is refused, also where only one grid could be meant.
- Visits go to other platforms by when they were received, so that what a phone sent late is in the next delivery; on request by
  when they were made.
### Lists of people

- What a list leaves blank stays as it is. Of our own export an empty cell of populations, carers or the head of a group says that
  there is none: the cells named all. Who edits one row of a household edits the household; of two edits the first counts, and it
  is told.
- The row with 户主 or 本人 says who heads a household and where it is; a list of some members makes none of them the head. A
  second head under one number, or of one name at one place, is refused with the rows below it: they may be another family.
- A group that a list names first is made in the grid. Its head is who is marked, or the one resident of that name, of the group's
  own households first; carers are staff by login or by a name that only one has, relatives by name or by number. Who is not found
  is told, and the row is taken nevertheless.
- Source and expiry in a list count for the naming; a past expiry names nobody. Where a list says neither, a naming from our own
  export stays, and another list renews one that ends more than a month sooner than it would.
- A month that Excel may have changed (1950.10 as a number is 1950.1) is refused, never guessed.
- Of a duplicate goes over to whom they are what they have not got: populations, care given and received, headships with the
  account that was joined, and the joined account where they have none.
"""
