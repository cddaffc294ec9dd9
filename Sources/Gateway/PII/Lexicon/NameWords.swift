/// The words that stand around names of people, places and organizations, and the function words that tell a language.
enum NameWords {
    static let all: [WordList] = [
        WordList(
            .title,
            """
            mr mrs ms miss mx dr prof professor sir madam dame lord lady judge justice captain capt sergeant sgt lieutenant colonel col general gen senator sen governor gov president mayor father fr
            sister brother rev reverend pastor rabbi imam uncle aunt nurse doctor attorney officer detective agent herr herrn frau fräulein hr fr doktor bürgermeister bürgermeisterin pfarrer schwester
            monsieur madame mademoiselle m mme mlle mm maître me docteur pr professeur maire père soeur señor señora señorita sr sra srta don doña dr dra doctor doctora profesor profesora padre licenciado
            ingeniero ing lic signor signora signorina sig sigra dott dottor dottore dottoressa dottssa prof professore professoressa avv avvocato ingegnere arch geom rag don suor padre senhor senhora
            senhorita dona doutor doutora professor professora eng engenheiro engenheira padre bay bayan sayın sn doç av avukat öğretmen hemşire
            """),
        WordList(
            .honorific,
            """
            bey hanım efendi abi abla amca teyze hoca hocam jr sr 様 さん さま 氏 君 くん ちゃん 先生 殿 社長 部長 課長 係長 教授 医師 選手 議員 主任 店長 院長 弁護士 看護師 先輩 女史 씨 님 양 군 선생님 선생 과장 과장님 부장
            부장님 대리 대리님 사장 사장님 교수 교수님 팀장 팀장님 의사 의원 환자 환자분 변호사 기자 선수 박사 대표 대표님 고객님 이사 차장 실장
            """),
        WordList(
            .personCue,
            """
            dear hi hello hey named called name patient client customer employee colleague friend boss manager wife husband son daughter mother cousin neighbor neighbour contact attn sincerely regards
            thanks signed author resident witness applicant tenant student teacher met ask tell told meet email
            lieber liebe hallo hi name namens heißt heiße kunde kundin patient patientin mitarbeiter mitarbeiterin kollege kollegin kollegen freund freundin nachbar nachbarin chef chefin bruder mutter vater
            sohn tochter ehemann ehefrau mann grüße grüßen gruß ansprechpartner ansprechpartnerin unterzeichnet familie vermieter mieter
            cher chère bonjour bonsoir salut nom appelle nommé nommée client cliente patient patiente collègue ami amie voisin voisine patron patronne frère mari femme fils fille cordialement employé employée
            locataire prénom
            querido querida estimado estimada hola buenas nombre llamo llama llamado llamada cliente paciente colega compañero compañera amigo amiga vecino vecina jefe jefa hermano hermana madre esposo esposa
            hijo hija saludos atentamente empleado empleada inquilino
            caro cara gentile egregio ciao buongiorno salve nome chiamo chiama chiamato chiamata cliente paziente collega amico amica vicino capo fratello sorella madre marito moglie figlio figlia saluti
            dipendente
            prezado prezada querido querida caro cara olá oi bom nome chamo chama chamado chamada cliente paciente colega amigo amiga vizinho vizinha chefe irmão irmã mãe marido esposa filho filha atenciosamente
            funcionário funcionária inquilino
            sevgili merhaba selam adım adı isim ismim müşteri müşterimiz hasta hastamız arkadaşım meslektaşım komşum patronum kardeşim annem babam eşim oğlum kızım saygılarımla çalışanımız
            """),
        WordList(
            .personVerb,
            """
            said says asked told works worked lives lived called wrote writes sent has had is was will wants wanted needs joined arrived signed reported complained paid bought ordered
            sagte sagt fragte arbeitet wohnt lebt schrieb hat hatte ist war wird möchte kam kommt bat unterschrieb meldete
            dit disait demande habite travaille vit écrit a avait est était sera veut souhaite arrive
            dijo dice preguntó trabaja vive escribió ha tiene es era será quiere llegó firmó compró
            disse dice chiede lavora abita vive scrive ha aveva è era sarà vuole arriva
            disse diz perguntou trabalha mora vive escreveu tem tinha é era será quer chegou assinou
            dedi diyor sordu çalışıyor yaşıyor oturuyor yazdı geldi istiyor aradı
            """),
        WordList(.locative, "di de in near from to toward towards around at nach aus à au aux en vers depuis desde hasta hacia presso dalla da a em para até via across outside visiting visited"),
        WordList(
            .residence,
            """
            live lives lived living born moved move moving travel travelled traveled traveling travelling trip visit visited visiting flight flew fly located resident city town village county state country
            capital province address headquarters office branch meeting conference store shop warehouse plant based arrived arriving relocated shipping delivered deliver weather hotel native
            wohne wohnt wohnen wohnhaft lebe lebt leben gelebt geboren gezogen umgezogen ziehe zieht reise reist reisen gereist flug flog stadt gemeinde land kreis anschrift adresse sitz niederlassung besuch
            besuche besucht wetter hotel filiale ort büro sitzung treffen werk laden tagung
            habite habitons habitent habité vit vis vivons né née déménagé déménage voyage voyagé vol ville village pays région département adresse siège visite visité située situé météo hôtel résidant
            vive vivo vivimos vivir nacido nacida nació mudó mudé viaje viajé viajó vuelo ciudad pueblo país provincia región dirección domicilio sede visita visité situado ubicada ubicado hotel clima reside oficina sucursal tienda reunión fábrica visitamos
            vive vivo viviamo abita abito abitiamo nato nata trasferito trasferita trasferisce viaggio volo città paese comune provincia regione indirizzo sede visita situato situata residente albergo meteo ufficio negozio riunione filiale stabilimento visitiamo
            mora moro moramos vive vivo nascido nascida nasceu mudou mudei viagem viajei voo cidade vila país estado província endereço sede visita visitei situado situada reside residente hotel escritório loja filial agência reunião fábrica visitamos
            yaşıyor yaşıyorum oturuyor oturuyorum doğdu doğumlu taşındı taşındım seyahat gezi uçuş şehir şehri ili ilçesi ülke adres adresi şube şubemiz ofis mağaza toplantı
            """),
        WordList(
            .street,
            """
            street st avenue ave road rd boulevard blvd drive dr lane ln court ct way place pl square sq terrace parkway pkwy highway hwy circle cir trail close crescent alley plaza row turnpike expressway
            freeway causeway crossing junction station shoal knoll lodge summit landing springs
            rue impasse allée chemin quai cours passage faubourg route voie calle avenida avda av carrer paseo plaza pasaje camino ronda glorieta via viale vicolo corso largo piazza piazzale contrada strada
            borgo canale incrocio rotonda stretto rua travessa alameda praça largo estrada rodovia viela praceta azinhaga ladeira vereda jardim recanto quadra condomínio residencial núcleo lagoa favela parque viaduto loteamento distrito conjunto colônia setor vale morro passarela chácara sítio
            pasadizo urbanización cañada rambla cuesta acceso callejón barrio vial vía alameda sitio fazenda trevo esplanada straße strasse str weg platz allee gasse ring ufer damm chaussee steig
            sokak sokağı sok caddesi cadde cad bulvarı bulvar blv mahallesi mahalle mah yolu meydanı
            """),
        // Street suffixes of USPS Publication 28, appendix C1.
        WordList(
            .streetSuffix,
            """
            alley annex arcade bayou beach bend bluff bluffs bottom branch bridge brook brooks burg burgs bypass camp canyon cape center centers circles cliff cliffs club common commons corner corners
            course courts cove coves creek crest crossroad curve dale dam divide drives estate estates extension extensions fall falls ferry field fields flat flats ford fords forest forge forges fork
            forks garden gardens gateway glen glens green greens grove groves harbor harbors heights hill hills hollow inlet island islands isle junctions key keys knolls lake lakes land light lights
            loaf locks loop mall manor manors meadow meadows mews mill mills mission motorway mount mountain mountains neck orchard oval overpass park parks parkways pass path pike pine pines plain
            plains plazas point points port ports prairie radial ramp ranch rapid rapids rest ridge ridges river roads route row run shoals shore shores skyway spring springs spur spurs squares stravenue
            stream streets throughway trace track trafficway tunnel underpass union unions valley valleys via viaduct view views village villages ville vista walk walks wall ways well wells
            """),
        WordList(
            .unit,
            """
            apt apartment suite unit floor fl building bldg room rm po box etage stock hinterhaus apto apartamento piso puerta planta bis ter interno scala appartamento piano bloco andar lote fundos
            daire kat no apt blok
            """),
        WordList(
            .placeHead,
            """
            north south east west new lake port saint st ste sainte mount mt fort el los las san santa santo são bad neu villa borgo sesto quarto settimo vila ilha puerto villanueva monte saint-
            """),
        WordList(.nameParticle, "de da do dos das del della di du des van von der den zu zum ter ten la le lo bin ibn al el dos d"),
        WordList(
            .companyForm,
            """
            inc incorporated llc llp ltd limited plc corp corporation co gmbh mbh ag kg kgaa ohg gbr ug eg ev se sarl sas sasu eurl sa sci snc spa srl srls sapa sl slu slne scp sll ltda eireli me
            lda aş as şti tic san pty bv nv ab oy oyj asa kft
            """),
        WordList(
            .organization,
            """
            university college institute school academy hospital clinic bank foundation association society ministry department agency committee council group holdings partners technologies systems
            solutions industries airlines motors laboratories labs pharmaceuticals insurance company federation union church museum library sons
            universität hochschule institut krankenhaus klinik klinikum sparkasse volksbank stiftung verein verband ministerium bundesamt gruppe werke versicherung gesellschaft akademie
            université école institut hôpital clinique banque fondation ministère groupe société assurances mairie préfecture
            universidad instituto hospital clínica banco fundación asociación ministerio grupo compañía ayuntamiento escuela colegio
            università istituto ospedale clinica banca fondazione associazione ministero gruppo società assicurazioni comune scuola
            universidade faculdade instituto banco fundação associação ministério grupo companhia prefeitura escola colégio
            üniversitesi hastanesi bankası vakfı derneği bakanlığı holding şirketi grubu belediyesi okulu lisesi enstitüsü kurumu
            """),
        WordList(
            .thing,
            """
            monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag christmas easter weihnachten ostern google microsoft amazon apple facebook
            twitter linkedin instagram youtube netflix windows linux android iphone python java javascript excel word outlook slack github docker kubernetes postgres postgresql mysql redis kafka
            openai chatgpt claude gemini llama api json http sql css html pdf internet email wifi usb tesla toyota honda bmw audi mercedes samsung sony nike adidas paypal visa mastercard iban
            """),
        WordList(.english, "the and of is that for with you was are have this not my please your be on it we they would which from his her"),
        WordList(.german, "der die das und ist nicht ich mit ein eine zu den sie von auf für dem sich wir bitte wird hat wurde meine mein ihr unser bei"),
        WordList(.french, "le les des est une et dans pour que qui pas vous je nous avec sur mon ma votre il elle ce cette du notre aux chez"),
        WordList(.spanish, "el los las una y en que es por con para mi su del se lo no está al nuestro nuestra como favor"),
        WordList(.italian, "il di che è per una con non del sono della gli mio mia la nel al dal alla un questo nostro si ha"),
        WordList(.portuguese, "o os um uma não do da em para com que é meu minha por na no ao dos das você foi nosso nossa está"),
        WordList(.turkish, "ve bir bu için ile da de çok var olan olarak daha gibi ben lütfen mi kadar ama bana benim adım numaram tarihinde tarafından"),
    ]
}
